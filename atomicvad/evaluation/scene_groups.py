"""What detectors make of parts of the test scenes, by source of background and by level.

The labels of scenes say noise or music, not whose, and no level. So the scenes are mixed once more,
as they were; the source of every background and the level of every segment are noted, and the
sound is thrown away. ``scene_groups.csv``.
"""

import numpy as np
import pandas as pd

from atomicvad.audio.signal import SAMPLE_RATE, mean_power
from atomicvad.config import CLIP_SETS, KINDS, Settings
from atomicvad.corpora.clips import CLIP_START
from atomicvad.data.scenes import Excerpts, mix_clip, scene_names
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.files import RECORDINGS, SEGMENTS, replacing
from atomicvad.scoring.scores import recorded_labels
from atomicvad.sections import SceneSettings

SCENE_GROUPS = "scene_groups.csv"
STEP = 0.01  # s
LEVELS = (-40.0, -30.0)  # dBFS, borders of groups
COLUMNS = [
    *("system", "group", "speech", "segments", "seconds"),
    *("members", "share", "least", "most"),
]


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


def noted_scenes(store: AudioStore, settings: Settings, scenes: SceneSettings) -> pd.DataFrame:
    """Every segment of the test scenes.

    Returns:
        ``video_id``, ``start``, ``end`` (s from the clip's beginning), ``speech``, ``source`` of
        the background (empty: there is none), ``level`` (dBFS).

    Raises:
        AtomicVADError: the recorded labels are of other scenes.
    """
    generator = np.random.default_rng(settings.data_seed + list(CLIP_SETS).index("testing"))
    excerpts = {kind: _Noted(store, kind, generator) for kind in KINDS}
    tables = []
    for name in scene_names(scenes):
        waveform, mixed = mix_clip(dict(excerpts), scenes, generator)
        borders = (mixed["start"].to_numpy()[1:] * SAMPLE_RATE).round().astype(int)
        levels = [10 * np.log10(mean_power(part)) for part in np.split(waveform, borders)]
        tables.append(mixed.assign(video_id=name, source="", level=levels))
    table = pd.concat(tables, ignore_index=True)
    for kind in ("noise", "music"):
        behind = (table["background"] == kind) | (table["label"] == f"SPEECH_WITH_{kind.upper()}")
        table.loc[behind, "source"] = excerpts[kind].drawn
    recorded = recorded_labels(settings)
    starts = recorded["start"].to_numpy() - CLIP_START
    if len(recorded) != len(table) or np.abs(starts - table["start"]).max() > STEP:
        raise AtomicVADError(
            f"{settings.results_folder}: expected the labels of the scenes in {store.folder}, "
            f"got those of other scenes; run make score PROFILE={settings.profile}"
        )
    return table.assign(speech=table["label"] != "NO_SPEECH")


def level_groups(levels: pd.Series) -> pd.Series:
    """The group of every level.

    >>> level_groups(pd.Series([-41.0, -40, -29])).to_list()
    ['level below -40 dBFS', 'level -40 to -30 dBFS', 'level above -30 dBFS']
    """
    low, high = LEVELS
    names = [f"below {low:g}", f"{low:g} to {high:g}", f"above {high:g}"]
    return pd.Series(
        [f"level {names[number]} dBFS" for number in np.searchsorted(LEVELS, levels, "right")],
        levels.index,
    )


def shares_taken(segments: pd.DataFrame, spans: pd.DataFrame) -> np.ndarray:
    """The share of every labelled segment that lies within what a detector found.

    Args:
        segments: labelled: ``video_id``, ``start``, ``end`` (s from the clip's beginning).
        spans: found: ``clip`` (number of the clip in order of names), ``start``, ``end``; those of
            a clip do not overlap.
    """
    clips = segments["video_id"].astype("category").cat.codes.to_numpy()
    shares = np.zeros(len(segments))
    for clip, rows in spans.groupby("clip"):
        own = np.flatnonzero(clips == clip)
        begin, end = (segments[name].to_numpy()[own, np.newaxis] for name in ("start", "end"))
        starts, ends = (rows[name].to_numpy() for name in ("start", "end"))
        inner = np.minimum(end, ends) - np.maximum(begin, starts)
        shares[own] = np.maximum(inner, 0).sum(1) / (end - begin)[:, 0]
    return shares


def group_table(segments: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The share of time taken for speech, by system, group, and whether somebody speaks.

    Args:
        segments: as of ``noted_scenes``.
        found: as in ``segments.csv``: ``system``, ``member``, ``clip``, ``start``, ``end``.

    Returns:
        ``share``: mean over members (seeds), ``least`` and ``most`` of a member.
    """
    seconds, rows = segments["end"] - segments["start"], []
    sources = segments["source"][segments["source"] != ""]
    groups = [
        (key, part.index)
        for names in (sources, level_groups(segments["level"]))
        for key, part in names.groupby([names, segments["speech"].reindex(names.index)])
    ]
    for system, of_system in found.groupby("system", sort=False):
        spans = [rows for _, rows in of_system.groupby("member")]
        taken = [seconds * shares_taken(segments, of_member) for of_member in spans]
        for (group, speech), index in groups:
            total = seconds[index].sum()
            shares = [part[index].sum() / total for part in taken]
            over = (len(shares), np.mean(shares), min(shares), max(shares))
            rows.append((system, group, speech, len(index), total, *over))
    return pd.DataFrame(rows, columns=COLUMNS)


def write_scene_groups(settings: Settings) -> None:
    """Write ``scene_groups.csv``, where there are scenes, recordings and found segments."""
    path, store = settings.results_folder / SEGMENTS, settings.data_folder / RECORDINGS
    mixed = settings.scenes if not settings.test else None
    if mixed is None or not path.is_file() or not store.is_file():
        return
    segments = noted_scenes(AudioStore(store.parent), settings, mixed)
    table = group_table(segments, pd.read_csv(path))
    with replacing(settings.results_folder / SCENE_GROUPS) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
