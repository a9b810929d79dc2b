"""The tables that ``make device`` wrote."""

import pandas as pd

from atomicvad.config import Settings
from atomicvad.files import DEVICE


def read_device(settings: Settings, name: str = DEVICE) -> pd.DataFrame | None:
    """A table of ``make device``: the run's, else the reference's, else nothing."""
    for place in (settings, settings.reference):
        if (path := place.results_folder / name).is_file():
            return pd.read_csv(path, keep_default_na=False, na_values=[""])
    return None
