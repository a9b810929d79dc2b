"""A run lies beside the reference: compared with it, adopted as it, and never written over it."""

import json
import shutil
import time

import pandas as pd
import pytest
from test_systems import TINY

from atomicvad.config import settings_from
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.systems import system_files
from atomicvad.model import build_model, build_network, save_model
from atomicvad.report import compare
from atomicvad.report.adopt import adopt
from atomicvad.report.closing import closing_block
from atomicvad.report.collate import collate, reference_summary
from atomicvad.runs import state
from atomicvad.runs.folder import RESULTS, RunFolder
from atomicvad.runs.seed import score_seeds

HISTORY = "epoch,learning_rate,loss,val_loss,val_auroc"


@pytest.fixture(scope="module")
def run(root):
    """A finished run whose two seeds are untrained networks."""
    settings = settings_from(TINY, "tests", "compared")
    for seed in settings.seeds:
        folder = RunFolder(settings, seed)
        save_model(build_model(build_network(seed=seed)), folder.weights)
        folder.history.write_text(f"{HISTORY}\n1,0.001,0.5,0.5,0.6\n2,0.001,0.4,0.4,0.7\n")
        folder.record.write_text('{"seconds": {}}\n')
    score_seeds(settings, settings.seeds)
    for seed in settings.seeds:
        made_from = state.weights_fingerprint(settings, seed)
        state.mark_current(RunFolder(settings, seed), "weights", made_from)
    collate(settings)
    return settings


@pytest.fixture(scope="module")
def adopted(run):
    """The run, after it became the reference."""
    adopt(run)
    return run


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_adopted_whole(adopted):
    reference = adopted.reference.results_folder
    for seed in adopted.seeds:
        for name in RESULTS:
            own = adopted.run_folder(seed) / name
            assert (reference / f"seed-{seed}" / name).read_bytes() == own.read_bytes()
    for name in ("systems.csv", "headline.csv", "testing.csv", "scenes.csv", "scenes.json"):
        assert (reference / name).read_bytes() == (adopted.results_folder / name).read_bytes()
    for name in ("recordings.csv", "levels.csv"):  # what the cards say of the data
        assert len(pd.read_csv(reference / name))
    assert {path.name for path in adopted.reference.figures_folder.glob("*.png")} > {
        "auroc_by_seed.png",
        "training_curves.png",
    }
    assert not list(reference.rglob(".[a-z]*")) and not list(reference.rglob("*.html"))


def test_the_same_bytes_are_called_so(adopted):
    verdict = compare.compare(adopted)
    assert verdict.text == "the same bytes: weights, scores and tables of 2 seeds"
    assert verdict.reproduced and (verdict.table["difference"] == 0).all()
    table = pd.read_csv(adopted.results_folder / "comparison.csv")
    assert len(table) > 100 and table["p"].min() == 1


def test_other_bytes_are_judged_by_their_numbers(adopted):
    """Tables of other seeds in the reference: the same bytes no more."""
    reference = adopted.reference
    scores = [RunFolder(reference, seed).scores for seed in adopted.seeds]
    contents = [path.read_bytes() for path in scores]
    try:
        for path, content in zip(scores, reversed(contents), strict=True):
            path.write_bytes(content)
        assert compare.compare(adopted).text.startswith("reproduced: AUROC ")
    finally:
        for path, content in zip(scores, contents, strict=True):
            path.write_bytes(content)


def test_to_compare_and_to_close_writes_nothing_into_the_reference(adopted):
    before = files_of(adopted.reference.results_folder)
    text = closing_block(adopted, since=time.time() - 130)
    assert files_of(adopted.reference.results_folder) == before
    assert "AUROC, clean speech: " in text and "auc: " in text and " ± " in text
    assert "the same bytes" in text and "0 differ with p < 0.05" in text
    assert f"Tables: {adopted.results_folder}" in text and "Time taken: 2 min" in text


def test_scenes_that_are_not_the_references_are_one_line(adopted):
    path = adopted.reference.results_folder / "scenes.json"
    kept = path.read_text()
    try:
        path.write_text(json.dumps({"testing": "0", "validation": "0"}))
        with pytest.raises(AtomicVADError, match="the scenes differ from those of"):
            compare.compare(adopted)
    finally:
        path.write_text(kept)


def test_scores_of_a_system_that_cannot_run_here_are_the_references(adopted):
    for folder in (adopted.reference.results_folder, adopted.results_folder):
        path = folder / "systems" / "energy" / "scores.npz"
        path.parent.mkdir(parents=True)
        path.write_bytes(RunFolder(adopted, adopted.seeds[0]).scores.read_bytes())
        assert system_files(adopted)["energy"] == [path]


def test_without_a_reference_that_is_said(adopted, tmp_path):
    reference = adopted.reference.results_folder
    shutil.move(reference, tmp_path / "elsewhere")
    try:
        assert compare.compare(adopted) is None and reference_summary(adopted) is None
        assert "there is no reference to compare with" in closing_block(adopted)
    finally:
        shutil.move(tmp_path / "elsewhere", reference)


def test_an_unfinished_run_is_not_adopted(adopted):
    stamp = RunFolder(adopted, adopted.seeds[1]).stamps["weights"]
    kept, before = stamp.read_text(), files_of(adopted.reference.results_folder)
    try:
        stamp.unlink()
        with pytest.raises(AtomicVADError, match=f"seed {adopted.seeds[1]} is not finished"):
            adopt(adopted)
    finally:
        stamp.write_text(kept)
    assert files_of(adopted.reference.results_folder) == before
