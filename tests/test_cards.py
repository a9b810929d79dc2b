"""What the cards' tables are made from: groups of scenes, and recordings by source and package."""

import numpy as np
import pandas as pd
import pytest

from atomicvad import config
from atomicvad.audio.decode import decode
from atomicvad.config import load_profile
from atomicvad.corpora.clips import CLIP_START, find_clip, read_labels
from atomicvad.corpora.open_packages import PACKAGES
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation import scene_groups
from atomicvad.evaluation.scene_groups import group_table, noted_scenes, shares_taken
from atomicvad.files import CLIP_LABELS, project_root
from atomicvad.report.cards import card_blocks
from atomicvad.report.data_card import packages_of, read_packages, read_recordings
from atomicvad.report.sources import levels_table, recordings_table

ROOT = project_root()


@pytest.fixture
def reference(monkeypatch):
    """The committed results."""
    monkeypatch.setattr(config, "project_root", lambda: ROOT)
    return load_profile("open").reference


def test_cards_have_the_references_numbers(reference):
    for card, blocks in card_blocks(reference).items():
        text = (ROOT / card).read_text(encoding="utf-8")
        for mark, block in blocks.items():
            found = text.split(f"<!-- {mark}:start -->")[1].split(f"<!-- {mark}:end -->")[0]
            assert block and found.strip() == block, f"{card}: {mark}"


def test_every_package_has_a_licence_and_every_source_one_package(reference):
    packages = read_packages()
    assert set(packages["package"]) - {""} == set(PACKAGES)
    assert (packages[["what", "licence"]] != "").all(axis=None)
    used = packages_of(read_recordings(reference)["source"], packages)
    assert set(used) == set(packages.index)
    with pytest.raises(AtomicVADError, match=r"expected one package of lincoln-noise, got \[\]"):
        packages_of(pd.Series(["lincoln-noise"]), packages)


def test_scenes_are_mixed_again_as_they_were(tiny, store, monkeypatch):
    labels = read_labels(tiny.clips_folder("testing") / CLIP_LABELS)
    monkeypatch.setattr(scene_groups, "recorded_labels", lambda settings: labels)
    noted = noted_scenes(store, tiny, tiny.scenes)
    np.testing.assert_array_equal(noted["speech"], labels["speech"])
    np.testing.assert_allclose(noted["start"], labels["start"] - CLIP_START, atol=1e-4)
    # The level tells whether the sound is the same.
    for name, rows in noted.groupby("video_id"):
        waveform = decode(find_clip(tiny.clips_folder("testing"), str(name)))
        for row in rows.itertuples():
            part = waveform[round(row.start * 16000) : round(row.end * 16000)]
            assert 10 * np.log10(np.mean(part**2)) == pytest.approx(row.level, abs=0.1)
    kinds = set(zip(store.recordings["source"], store.recordings["kind"], strict=True))
    heard = noted[noted["source"] != ""]
    wanted = heard["background"].where(~heard["speech"], heard["label"].str[12:].str.lower())
    assert len(heard) and set(zip(heard["source"], wanted, strict=True)) <= kinds
    monkeypatch.setattr(scene_groups, "recorded_labels", lambda settings: labels[1:])
    with pytest.raises(AtomicVADError, match="expected the labels of the scenes in"):
        noted_scenes(store, tiny, tiny.scenes)


def test_shares_are_of_time_and_by_group():
    segments = pd.DataFrame(
        {
            "video_id": ["a", "a", "b"],
            "start": [0.0, 2.0, 0.0],
            "end": [2.0, 4.0, 4.0],
            "speech": [True, False, False],
            "source": ["", "wind", "wind"],
            "level": [-45.0, -35.0, -20.0],
        }
    )
    found = pd.DataFrame(
        [("x", 1, 0, 0.5, 1.0), ("x", 1, 0, 1.5, 3.0), ("x", 2, 1, 1.0, 9.0)],
        columns=["system", "member", "clip", "start", "end"],
    )
    one, two = (rows for _, rows in found.groupby("member"))
    np.testing.assert_allclose(shares_taken(segments, one), [0.5, 0.5, 0])
    np.testing.assert_allclose(shares_taken(segments, two), [0, 0, 0.75])
    table = group_table(segments, found).set_index(["group", "speech"])
    wind = table.loc[("wind", False)]
    assert (wind["segments"], wind["seconds"], wind["members"]) == (2, 6, 2)
    assert (wind["least"], wind["most"]) == pytest.approx((1 / 6, 0.5))
    assert table.loc[("level below -40 dBFS", True), "share"] == pytest.approx(0.25)


def test_recordings_are_counted_once_and_levels_are_ordered(store):
    table = recordings_table(store.recordings)
    assert table["recordings"].sum() == len(store.recordings)
    assert table["hours"].sum() * 3600 == pytest.approx(store.recordings["samples"].sum() / 16000)
    levels = levels_table(store).sort_values("percentile")
    for _, rows in levels.groupby("kind"):
        assert rows["percentile"].to_list() == [5, 50, 95]
        assert rows["level_db"].is_monotonic_increasing
