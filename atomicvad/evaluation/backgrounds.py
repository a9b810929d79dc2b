"""What the detector makes of each source of background in the scenes: background_sources.csv.

The labels of scenes say noise or music, not whose. The scenes are mixed once more, as they were,
and the source of every background is noted; the sound is thrown away.
"""

import numpy as np
import pandas as pd

from atomicvad.config import CLIP_SETS, KINDS, Settings
from atomicvad.corpora.clips import CLIP_START
from atomicvad.data.scenes import Excerpts, mix_clip, scene_names
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.files import RECORDINGS, SEGMENTS, replacing
from atomicvad.scoring.scores import recorded_labels
from atomicvad.sections import SceneSettings

TABLE = "background_sources.csv"
STEP = 0.01  # s
COLUMNS = ["system", "source", "speech", "segments", "seconds", "members", "share", "least", "most"]


class _Noted(Excerpts):
    """Excerpts that note the source of each."""

    def __init__(self, store: AudioStore, kind: str, generator: np.random.Generator):
        super().__init__(store, "testing", kind, generator)
        self.names, self.drawn = store.recordings["source"].to_numpy(str), list[str]()

    def draw(self, samples: int) -> np.ndarray:
        excerpt = super().draw(samples)
        self.drawn.append(self.names[self.rows[self.last]])
        return excerpt

    def _next(self, fitting: np.ndarray) -> int:
        self.last = super()._next(fitting)
        return self.last


def background_sources(
    store: AudioStore, settings: Settings, scenes: SceneSettings
) -> pd.DataFrame:
    """Every segment of the test scenes, with the source of its background (empty: there is none).

    Raises:
        AtomicVADError: the recorded labels are of other scenes.
    """
    generator = np.random.default_rng(settings.data_seed + list(CLIP_SETS).index("testing"))
    excerpts = {kind: _Noted(store, kind, generator) for kind in KINDS}
    tables = []
    for name in scene_names(scenes):
        mixed = mix_clip(dict(excerpts), scenes, generator)[1]
        tables.append(mixed.assign(video_id=name, source=""))
    table = pd.concat(tables, ignore_index=True)
    for kind in ("noise", "music"):
        behind = (table["background"] == kind) | (table["label"] == f"SPEECH_WITH_{kind.upper()}")
        table.loc[behind, "source"] = excerpts[kind].drawn
    recorded = recorded_labels(settings)
    starts = recorded["start"].to_numpy() - CLIP_START
    if len(recorded) != len(table) or np.abs(starts - table["start"]).max() > STEP:
        raise AtomicVADError(
            f"{settings.results_folder}: expected labels of the scenes of {store.folder}, got "
            f"those of others; make score PROFILE={settings.profile}"
        )
    return table.assign(speech=table["label"] != "NO_SPEECH")


def shares_taken(segments: pd.DataFrame, spans: pd.DataFrame) -> np.ndarray:
    """The share of every labelled segment that lies within what a detector found.

    Args:
        segments: labelled: ``video_id``, ``start``, ``end`` (s from the clip's beginning).
        spans: found: ``clip`` (number of the clip in order of names), ``start``, ``end``.
    """
    clips = segments["video_id"].astype("category").cat.codes.to_numpy()
    shares = np.zeros(len(segments))
    for clip, rows in spans.groupby("clip"):
        own = np.flatnonzero(clips == clip)
        begin, end = (segments[name].to_numpy()[own, np.newaxis] for name in ("start", "end"))
        inner = np.minimum(end, rows["end"].to_numpy()) - np.maximum(begin, rows["start"])
        shares[own] = np.maximum(inner, 0).sum(1) / (end - begin)[:, 0]
    return shares


def background_table(segments: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The share of time taken for speech, by system, source of background, and what it is behind.

    Args:
        segments: as of ``background_sources``.
        found: as in ``segments.csv``: ``system``, ``member``, ``clip``, ``start``, ``end``.

    Returns:
        ``share``: mean over members (seeds), ``least`` and ``most`` of a member.
    """
    seconds, rows = segments["end"] - segments["start"], []
    groups = segments[segments["source"] != ""].groupby(["source", "speech"])
    for system, of_system in found.groupby("system", sort=False):
        taken = [
            seconds * shares_taken(segments, spans) for _, spans in of_system.groupby("member")
        ]
        for (source, speech), group in groups:
            total = seconds[group.index].sum()
            shares = [part[group.index].sum() / total for part in taken]
            counts = (len(group), total, len(shares))
            rows.append(
                (system, source, speech, *counts, np.mean(shares), min(shares), max(shares))
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def write_backgrounds(settings: Settings) -> None:
    """Write ``background_sources.csv``, where there are scenes, recordings and found segments."""
    path, store = settings.results_folder / SEGMENTS, settings.data_folder / RECORDINGS
    if settings.scenes is None or not path.is_file() or not store.is_file():
        return
    segments = background_sources(AudioStore(store.parent), settings, settings.scenes)
    table = background_table(segments, pd.read_csv(path))
    with replacing(settings.results_folder / TABLE) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
