"""Scenes: labelled clips in AVA-Speech's format, mixed from recordings of one split.

The label file has the columns, classes and times of AVA-Speech's, so that the same code scores
both. Speech excerpts are chosen by their energy, so the labels are right by construction.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from tqdm.auto import tqdm

from atomicvad.audio.signal import (
    FRAME,
    SAMPLE_RATE,
    SILENCE_DB,
    active_frames,
    at_level,
    mean_power,
    mix,
)
from atomicvad.config import KINDS
from atomicvad.corpora.clips import CLIP_START
from atomicvad.data.store import AudioStore
from atomicvad.data.windows import SPEECH_SHARE
from atomicvad.errors import AtomicVADError
from atomicvad.files import CLIP_BACKGROUNDS, CLIP_LABELS, replacing
from atomicvad.sections import SceneSettings

# Shares of the classes, about those of AVA-Speech's segments.
SHARES = {
    "NO_SPEECH": 0.45,
    "CLEAN_SPEECH": 0.15,
    "SPEECH_WITH_NOISE": 0.2,
    "SPEECH_WITH_MUSIC": 0.2,
}


class Excerpts:
    """Draws excerpts of one kind: first the source, then one of its recordings."""

    def __init__(self, store: AudioStore, split: str, kind: str, generator: np.random.Generator):
        table = store.recordings
        table = table[(table["split"] == split) & (table["kind"] == kind)]
        # Indices and lengths of each source's recordings, as arrays: faster than tables.
        self.by_source = [
            (rows.index.to_numpy(), rows["samples"].to_numpy())
            for _, rows in table.groupby("source", sort=True)
        ]
        if not self.by_source:
            raise AtomicVADError(f"scenes: the {split} split has no recordings of kind {kind}")
        self.store, self.generator, self.kind = store, generator, kind

    def draw(self, samples: int) -> np.ndarray:
        """Draw an excerpt of ``samples`` samples, audible (speech: 70 % active frames), float32."""
        # Short backgrounds are repeated; speech must be long enough.
        needed = samples if self.kind == "speech" else samples // 4
        sources = [(rows[lengths >= needed], lengths) for rows, lengths in self.by_source]
        sources = [(rows, lengths[lengths >= needed]) for rows, lengths in sources if len(rows)]
        if not sources:
            raise AtomicVADError(f"scenes: no {self.kind} recording of {needed} samples or more")
        for _ in range(1000):
            rows, lengths = sources[self.generator.integers(len(sources))]
            number = self.generator.integers(len(rows))
            row, length = rows[number], lengths[number]
            start = self.generator.integers(max(length - samples, 0) + 1)
            if self.kind == "speech":
                frames = active_frames(self.store.read(row))[start // FRAME :]
                if frames[: samples // FRAME].mean() >= SPEECH_SHARE:
                    return self.store.read(row, start, samples)
            else:
                excerpt = self.store.read(row, start, min(samples, length))
                excerpt = np.resize(excerpt, samples)
                if 10 * np.log10(mean_power(excerpt)) > SILENCE_DB:
                    return excerpt
        raise AtomicVADError(f"scenes: the {self.kind} recordings are silent")


def mix_clip(
    excerpts: dict[str, Excerpts], settings: SceneSettings, generator: np.random.Generator
) -> tuple[np.ndarray, pd.DataFrame]:
    """Mix one clip, segment by segment.

    Args:
        excerpts: by kind; all of them draw from ``generator`` too.

    Returns:
        The waveform, float32, and its segments: ``start``, ``end`` (s, from 0), ``label`` and, of
        those without speech, the kind of ``background`` (else empty).
    """
    pieces, rows, position = [], [], 0
    total = round(settings.clip_seconds * SAMPLE_RATE)
    while position < total:
        label = str(generator.choice(list(SHARES), p=list(SHARES.values())))
        samples = round(generator.uniform(*settings.segment_seconds) * SAMPLE_RATE)
        background = ""
        if label == "NO_SPEECH":
            background = str(generator.choice(["noise", "music"]))
            piece = excerpts[background].draw(samples)
        else:
            piece = excerpts["speech"].draw(samples)
            if label != "CLEAN_SPEECH":
                behind = excerpts[label.rsplit("_", 1)[1].lower()].draw(samples)
                piece = mix(piece, behind, generator.uniform(*settings.snr_db))
        piece = at_level(piece, generator.uniform(*settings.level_db))
        pieces.append(np.clip(piece, -1, 1))
        end = position + samples
        rows.append((position / SAMPLE_RATE, end / SAMPLE_RATE, label, background))
        position = end
    segments = pd.DataFrame(rows, columns=["start", "end", "label", "background"])
    return np.concatenate(pieces).astype(np.float32), segments


def scene_names(settings: SceneSettings) -> list[str]:
    """The names of the clips, in order."""
    return [f"scene-{number:02d}" for number in range(settings.clips)]


def build_scenes(
    store: AudioStore, split: str, settings: SceneSettings, folder: Path, seed: int
) -> None:
    """Write one split's scenes into ``folder``: clips, labels, and kinds of background.

    Deterministic in ``seed``; only recordings of ``split`` are used.
    """
    tables, audio = [], folder / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    for path in set(audio.iterdir()) - {audio / f"{name}.flac" for name in scene_names(settings)}:
        path.unlink()  # of other settings, or of a process that was killed
    for number in tqdm(range(settings.clips), desc=f"scenes ({split})"):
        generator = np.random.default_rng([seed, number])
        excerpts = {kind: Excerpts(store, split, kind, generator) for kind in KINDS}
        waveform, segments = mix_clip(excerpts, settings, generator)
        name = scene_names(settings)[number]
        with replacing(audio / f"{name}.flac") as path:
            soundfile.write(path, waveform, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        segments[["start", "end"]] += CLIP_START
        segments.insert(0, "video_id", name)
        tables.append(segments)
    table = pd.concat(tables)
    with replacing(folder / CLIP_BACKGROUNDS) as path:
        table[["background"]].to_csv(path, index=False)
    with replacing(folder / CLIP_LABELS) as path:
        columns = ["video_id", "start", "end", "label"]
        table[columns].to_csv(path, index=False, header=False, float_format="%.4f")
