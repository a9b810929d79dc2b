"""What a profile's recordings are, in two small tables: ``recordings.csv``, ``levels.csv``."""

import pandas as pd

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.data.store import AudioStore
from atomicvad.files import RECORDINGS, replacing
from atomicvad.report.data_tables import levels_and_bandwidths

LEVELS = "levels.csv"
PERCENTILES = (5, 50, 95)


def recordings_table(recordings: pd.DataFrame) -> pd.DataFrame:
    """Recordings and hours by source, kind, language and split.

    Args:
        recordings: a row a recording, as of an ``AudioStore``.
    """
    keys = ["source", "kind", "language", "split"]
    hours = recordings.assign(hours=recordings["samples"] / SAMPLE_RATE / 3600)
    grouped = hours.groupby(keys, sort=True)
    return grouped.agg(recordings=("samples", "size"), hours=("hours", "sum")).reset_index()


def levels_table(store: AudioStore) -> pd.DataFrame:
    """Percentiles of level (dBFS) and bandwidth (Hz) by kind, of 400 recordings of each at most."""
    measured = levels_and_bandwidths(store)
    grouped = measured.groupby("kind")
    tables = [
        grouped.quantile(percentile / 100).assign(percentile=percentile, recordings=grouped.size())
        for percentile in PERCENTILES
    ]
    return pd.concat(tables).reset_index()


def write_sources(settings: Settings) -> None:
    """Write both tables into the results folder, where the recordings are prepared."""
    if not (settings.data_folder / RECORDINGS).is_file():
        return
    store = AudioStore(settings.data_folder)
    tables = {RECORDINGS: (recordings_table(store.recordings), 6), LEVELS: (levels_table(store), 1)}
    for name, (table, digits) in tables.items():
        with replacing(settings.results_folder / name) as path:
            table.to_csv(path, index=False, float_format=f"%.{digits}f")
