"""Tables of a profile's recordings, windows and clips, and what the auditor finds."""

import numpy as np
import pandas as pd

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import KINDS, SPLITS, Settings
from atomicvad.corpora import speech_commands
from atomicvad.corpora.clips import CLIP_START, read_labels
from atomicvad.data.audit import Report, audit
from atomicvad.data.manifest import manifest_paths, read_split
from atomicvad.data.sources import locate
from atomicvad.data.store import AudioStore
from atomicvad.files import BALANCE, CLIP_LABELS, CLIP_STATES


def hours_table(recordings: pd.DataFrame) -> pd.DataFrame:
    """Hours, recordings, languages and speakers: training first, and in each split speech.

    A cell is empty where no language, or no speaker, is known.
    """
    table = recordings.assign(hours=recordings["samples"] / SAMPLE_RATE / 3600)
    table["language"] = table["language"].map(base_language)
    table = table.replace({"language": {"": None}, "speaker": {"": None}})
    found = table.groupby(["split", "kind"]).agg(
        hours=("hours", lambda hours: round(hours.sum(), 2)),
        recordings=("recording", "size"),
        languages=("language", "nunique"),
        speakers=("speaker", "nunique"),
        sources=("source", "nunique"),
    )
    for name in ("languages", "speakers"):
        found[name] = found[name].astype("Int64").replace(0, pd.NA)
    order = pd.MultiIndex.from_product([SPLITS, KINDS], names=found.index.names)
    return found.loc[order.intersection(found.index, sort=False)]


def base_language(code: str) -> str:
    """A language without its region.

    >>> base_language("pt_BR"), base_language("")
    ('pt', '')
    """
    return code.split("_", maxsplit=1)[0]


def windows_table(settings: Settings) -> pd.DataFrame:
    """Windows in the manifests, by split, class and how many sources they come from."""
    tables = [read_split(settings.data_folder, split).assign(split=split) for split in SPLITS]
    grouped = pd.concat(tables).groupby(["split", "label"], sort=False)
    return grouped.agg(windows=("offset", "size"), sources=("source", "nunique"))


def balance_table(settings: Settings) -> pd.DataFrame:
    """How many windows of a class there were, were drawn, and were drawn again."""
    return pd.read_csv(settings.data_folder / BALANCE)


def clips_table(settings: Settings) -> pd.DataFrame:
    """Clips of the test set by state: how many, how long, and segments scored and left out."""
    folder = settings.clips_folder("testing")
    if not settings.test:
        labels = read_labels(folder / CLIP_LABELS)
        spans = labels.groupby("video_id")["end"].max() - CLIP_START
        rows = [("whole", len(spans), round(spans.sum() / 60, 1), len(labels), 0)]
        columns = ["state", "clips", "minutes", "segments", "left out"]
        return pd.DataFrame(rows, columns=columns).set_index("state")
    clips = pd.read_csv(folder / CLIP_STATES).assign(minutes=lambda t: t["seconds"] / 60)
    table = clips.groupby("state").agg(
        clips=("clip", "size"),
        minutes=("minutes", "sum"),
        segments=("segments", "sum"),
        left_out=("left_out", "sum"),
    )
    return table.round({"minutes": 1}).rename(columns={"left_out": "left out"})


def checks(settings: Settings) -> Report:
    """The auditor's report on the profile's six manifests."""
    return audit(manifest_paths(settings.data_folder))


def leak_table(settings: Settings) -> pd.DataFrame | str:
    """How far Speech Commands' splits share speakers with training; a word where it is not used."""
    for source in settings.sources:
        if source.corpus == "speech_commands":
            return speech_commands.leak(locate(source), settings.data_seed)
    return "no Speech Commands in this profile"


def levels_and_bandwidths(store: AudioStore, most: int = 400, seconds: float = 10) -> pd.DataFrame:
    """Level (dBFS) and bandwidth (Hz) of up to ``most`` recordings of every kind."""
    rows = []
    long_enough = store.recordings[store.recordings["samples"] >= 4000]
    for kind, table in long_enough.groupby("kind"):
        for row in table.sample(min(most, len(table)), random_state=0).itertuples():
            waveform = store.read(row.Index, 0, min(row.samples, round(seconds * SAMPLE_RATE)))
            energy = np.abs(np.fft.rfft(waveform)) ** 2
            total = np.cumsum(energy)
            if total[-1] > 0:
                edge = np.searchsorted(total, 0.995 * total[-1]) / len(waveform) * SAMPLE_RATE
                level = 10 * np.log10(np.mean(np.square(waveform)))
                rows.append((kind, level, edge))
    return pd.DataFrame(rows, columns=["kind", "level_db", "bandwidth_hz"])
