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
MOST_HEARD = 2  # excerpts of a recording of speech in a set


class Excerpts:
    """Draws excerpts of one kind, from all sources alike and from their recordings in turn.

    A source is drawn first, then one of its recordings that was used least so far. A recording of
    speech is used twice at most, as long as there is another one.
    """

    def __init__(self, store: AudioStore, split: str, kind: str, generator: np.random.Generator):
        table = store.recordings
        table = table[(table["split"] == split) & (table["kind"] == kind)]
        if not len(table):
            raise AtomicVADError(f"scenes: the {split} split has no recordings of kind {kind}")
        # As arrays, which are faster than tables.
        self.rows, self.lengths = table.index.to_numpy(), table["samples"].to_numpy()
        self.sources = table["source"].astype("category").cat.codes.to_numpy()
        self.heard = np.zeros(len(table), int)
        self.store, self.generator, self.kind = store, generator, kind

    def draw(self, samples: int) -> np.ndarray:
        """Draw an excerpt of ``samples`` samples, audible (speech: 70 % active frames), float32."""
        # Short backgrounds are repeated; speech must be long enough.
        needed = samples if self.kind == "speech" else samples // 4
        fitting = np.flatnonzero(self.lengths >= needed)
        if not len(fitting):
            raise AtomicVADError(f"scenes: no {self.kind} recording of {needed} samples or more")
        for _ in range(1000):
            number = self._next(fitting)
            self.heard[number] += 1
            row, length = self.rows[number], self.lengths[number]
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

    def _next(self, fitting: np.ndarray) -> int:
        """One of the ``fitting`` recordings."""
        if self.kind == "speech":
            fresh = fitting[self.heard[fitting] < MOST_HEARD]
            fitting = fresh if len(fresh) else fitting
        of_source = fitting[
            self.sources[fitting] == self.generator.choice(np.unique(self.sources[fitting]))
        ]
        least = of_source[self.heard[of_source] == self.heard[of_source].min()]
        return int(self.generator.choice(least))


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
    generator = np.random.default_rng(seed)
    excerpts = {kind: Excerpts(store, split, kind, generator) for kind in KINDS}
    for number in tqdm(range(settings.clips), desc=f"scenes ({split})"):
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
