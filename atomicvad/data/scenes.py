"""A test set in AVA-Speech's shape, mixed from recordings of one split.

Clips with a label file of the same columns, classes and times as AVA-Speech's, so that what
scores AVA-Speech scores these. Speech is placed by its own energy, so the labels are right by
construction.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from tqdm.auto import tqdm

from atomicvad.data.segments import FRAME_SECONDS, SILENCE_DB, SPEECH_SHARE, active_frames
from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing

CLIP_START = 900.0  # AVA-Speech labels the minutes from 15:00 on
SAMPLE_RATE = 16000
FRAME = round(FRAME_SECONDS * SAMPLE_RATE)
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
        table = table[(table["split"] == split) & (table["kind"] == kind)]
        # Numbers and lengths of each source's recordings; to draw from tables would be slow.
        self.by_source = [
            (rows.index.to_numpy(), rows["samples"].to_numpy())
            for _, rows in table.groupby("source", sort=True)
        ]
        if not self.by_source:
            raise AtomicVADError(f"scenes: the {split} split has no recordings of kind {kind}")
        self.store, self.generator, self.kind = store, generator, kind

    def draw(self, samples: int) -> np.ndarray:
        """``samples`` of audio that can be heard (speech: 70 % active frames), float32."""
        # A short noise goes round; speech must be long enough by itself.
        needed = samples if self.kind == "speech" else samples // 4
        sources = [(rows[lengths >= needed], lengths) for rows, lengths in self.by_source]
        sources = [(rows, lengths[lengths >= needed]) for rows, lengths in sources if len(rows)]
        if not sources:
            raise AtomicVADError(f"scenes: no {self.kind} recording of {needed} samples or more")
        for _ in range(1000):
            rows, lengths = sources[self.generator.integers(len(sources))]
            place = self.generator.integers(len(rows))
            row, whole = rows[place], lengths[place]
            start = self.generator.integers(max(whole - samples, 0) + 1)
            if self.kind == "speech":
                frames = active_frames(self.store.read(row))[start // FRAME :]
                if frames[: samples // FRAME].mean() >= SPEECH_SHARE:
                    return self.store.read(row, start, samples)
            else:
                excerpt = self.store.read(row, start, min(samples, whole))
                excerpt = np.resize(excerpt, samples)
                if 10 * np.log10(_power(excerpt)) > SILENCE_DB:
                    return excerpt
        raise AtomicVADError(f"scenes: the {self.kind} recordings are silent")


def _power(waveform: np.ndarray) -> float:
    return float(np.mean(np.square(waveform))) + 1e-12


def mix(speech, background, snr_db: float) -> np.ndarray:
    """``speech`` plus ``background`` scaled to lie ``snr_db`` below it (power over the segment)."""
    gain = np.sqrt(_power(speech) / _power(background) * 10 ** (-snr_db / 10))
    return speech + gain * background


def clip(draws: dict[str, Excerpts], settings, generator: np.random.Generator):
    """One clip: ``(waveform float32, [(start, end, label), …])`` with times in seconds from 0."""
    rate, pieces, rows, position = SAMPLE_RATE, [], [], 0
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
            soundfile.write(path, waveform, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        table = pd.DataFrame(rows, columns=["start", "end", "label"])
        table[["start", "end"]] += CLIP_START
        table.insert(0, "video_id", name)
        tables.append(table)
    with replacing(folder / "labels.csv") as path:
        pd.concat(tables).to_csv(path, index=False, header=False, float_format="%.4f")
