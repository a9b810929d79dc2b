"""A prepared folder is made once, and made again where it is damaged."""

import os

from conftest import TINY

from atomicvad.config import settings_from
from atomicvad.data import prepare
from atomicvad.data.manifest import manifest_path, read_split


def test_damaged_data_are_made_again(root):
    settings = settings_from(TINY, "tests", "damaged")
    store = prepare(settings)
    before = (settings.data_folder / "samples.i16").read_bytes()
    os.truncate(settings.data_folder / "samples.i16", 1000)
    manifest_path(settings.data_folder, "speech", "training").unlink()
    again = prepare(settings)
    assert (settings.data_folder / "samples.i16").read_bytes() == before
    assert len(read_split(settings.data_folder, "training", again)) > 0
    assert again.recordings.equals(store.recordings)
