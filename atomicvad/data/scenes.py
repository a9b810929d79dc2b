"""A test set in AVA-Speech's shape, mixed from recordings of one split.

Clips with a label file of the same columns, classes and times as AVA-Speech's, so that what scores
AVA-Speech scores these. Speech is placed by its own energy, so the labels are right by construction.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from tqdm.auto import tqdm

from atomicvad.data.segments import FRAME_SECONDS, active_frames
from atomicvad.files import replacing

CLIP_START = 900.0  # AVA-Speech labels the minutes from 15:00 on
# About AVA-Speech's own shares of its segments.
SHARES = {
    "NO_SPEECH": 0.45,
    "CLEAN_SPEECH": 0.15,
    "SPEECH_WITH_NOISE": 0.2,
    "SPEECH_WITH_MUSIC": 0.2,
}


class Excerpts:
    """Draws excerpts of one kind: source by source, then recording by recording."""

    def __init__(self, store, split: str, kind: str, generator: np.random.Generator):
        table = store.recordings
        self.table = table[(table["split"] == split) & (table["kind"] == kind)]
        self.sources = sorted(self.table["source"].unique())
        self.store, self.generator, self.kind = store, generator, kind

    def draw(self, samples: int) -> np.ndarray:
        """``samples`` of audio that can be heard all along (speech: 70 % active frames); float32."""
        frame = round(FRAME_SECONDS * 16000)
        while True:
            source = self.generator.choice(self.sources)
            rows = self.table[self.table["source"] == source]
            row = rows.iloc[self.generator.integers(len(rows))]
            waveform = self.store.read(row.name)
            if len(waveform) < samples:
                if self.kind == "speech" or len(waveform) < samples // 4:
                    continue
                waveform = np.resize(waveform, samples)  # a short noise goes round
            start = self.generator.integers(len(waveform) - samples + 1)
            active = active_frames(waveform)[start // frame : (start + samples) // frame]
            if len(active) and active.mean() >= 0.7:
                return waveform[start : start + samples]


def _power(waveform: np.ndarray) -> float:
    return float(np.mean(np.square(waveform))) + 1e-12


def mix(speech, background, snr_db: float) -> np.ndarray:
    """``speech`` plus ``background`` scaled to lie ``snr_db`` below it (power over the segment)."""
    gain = np.sqrt(_power(speech) / _power(background) * 10 ** (-snr_db / 10))
    return speech + gain * background


def clip(draws: dict[str, Excerpts], settings, generator: np.random.Generator):
    """One clip: ``(waveform float32, [(start, end, label), …])`` with times in seconds from 0."""
    rate, pieces, rows, position = 16000, [], [], 0
    total = round(settings.clip_seconds * rate)
    while position < total:
        label = str(generator.choice(list(SHARES), p=list(SHARES.values())))
        samples = round(generator.uniform(*settings.segment_seconds) * rate)
        if label == "NO_SPEECH":
            piece = draws[str(generator.choice(["noise", "music"]))].draw(samples)
        else:
            piece = draws["speech"].draw(samples)
            if label != "CLEAN_SPEECH":
                kind = label.rsplit("_", 1)[1].lower()
                piece = mix(piece, draws[kind].draw(samples), generator.uniform(*settings.snr_db))
        piece = piece * np.sqrt(10 ** (generator.uniform(*settings.level_db) / 10) / _power(piece))
        pieces.append(np.clip(piece, -1, 1))
        rows.append((position / rate, (position + samples) / rate, label))
        position += samples
    return np.concatenate(pieces).astype(np.float32), rows


def build_scenes(store, split: str, settings, folder: Path, seed: int) -> None:
    """Write ``labels.csv`` and ``audio/<video_id>.flac`` of one split's scenes into ``folder``.

    Deterministic in ``seed``; only recordings of ``split`` are heard.
    """
    tables = []
    for number in tqdm(range(settings.clips), desc=f"scenes ({split})"):
        generator = np.random.default_rng([seed, number])
        draws = {k: Excerpts(store, split, k, generator) for k in ("speech", "noise", "music")}
        waveform, rows = clip(draws, settings, generator)
        name = f"scene-{number:02d}"
        with replacing(folder / "audio" / f"{name}.flac") as path:
            soundfile.write(path, waveform, 16000, format="FLAC", subtype="PCM_16")
        table = pd.DataFrame(rows, columns=["start", "end", "label"])
        table[["start", "end"]] += CLIP_START
        table.insert(0, "video_id", name)
        tables.append(table)
    with replacing(folder / "labels.csv") as path:
        pd.concat(tables).to_csv(path, index=False, header=False, float_format="%.4f")
