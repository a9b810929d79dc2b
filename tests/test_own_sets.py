"""Any labelled set as the test set, through to the pages' tables and figures, or one clear line."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from atomicvad.config import load_profile
from atomicvad.corpora.generated import generate
from atomicvad.data.prepare import prepare
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.model import build_model, build_network, save_model
from atomicvad.report.closing import closing_block
from atomicvad.report.collate import read_systems
from atomicvad.report.tables import test_set_line as set_line
from atomicvad.runs import systems as other_systems
from atomicvad.runs.folder import RunFolder
from atomicvad.runs.seed import score_seeds
from atomicvad.scoring.peers import PEERS
from atomicvad.scoring.scores import recorded_labels

RATE = 16000
PROFILE = {
    "corpus": "smoke",
    "seeds": [5, 6],
    "windows": {
        "stride_seconds": {"speech": 0.3, "background": 0.3},
        "counts": {"training": 64, "validation": 32, "testing": 32},
    },
    "scenes": {"clips": 2, "clip_seconds": 30},
    "evaluation": {"resamples": 20},
}
CSV = "start,end,label\n"
# Name -> recordings (seconds, spans of speech) and label files, below the test folder.
SETS: dict[str, dict[str, tuple[float, tuple, str | None]]] = {
    "labelled": {
        "a.wav": (9, ((3, 6),), CSV + "0,3,noise\n3,6,speech\n6,9,noise\n"),
        "b.wav": (8, ((0, 4),), CSV + "0,4,speech\n4,8,noise\n"),
    },
    "one clip without speech, one without background": {
        "a.wav": (6, (), CSV + "0,6,noise\n"),
        "b.wav": (6, ((0, 6),), CSV + "0,6,speech\n"),
    },
    "unlabelled": {
        "speech/a.wav": (5, ((0, 5),), None),
        "speech/b.wav": (4, ((0, 4),), None),
        "noise/c.wav": (5, (), None),
    },
    "overlapping speakers": {
        "a.wav": (
            8,
            ((1, 5),),
            "SPEAKER a 1 1 4 <NA> <NA> x <NA> <NA>\nSPEAKER a 1 1 2 <NA> <NA> y <NA> <NA>\n",
        ),
        "b.wav": (
            8,
            ((2, 7),),
            "SPEAKER b 1 2 5 <NA> <NA> x <NA> <NA>\nSPEAKER b 1 3 1 <NA> <NA> y <NA> <NA>\n",
        ),
    },
    "clips shorter than a window": {
        "a.wav": (0.4, ((0, 0.2),), CSV + "0,0.2,speech\n0.2,0.4,noise\n"),
        "b.wav": (0.05, (), CSV + "0,0.05,noise\n"),
        "c.wav": (0.3, ((0, 0.3),), CSV + "0,0.3,speech\n"),
    },
    "partly labelled": {
        "a.wav": (9, ((3, 6),), CSV + "0,1,noise\n3,4,speech\n"),
        "b.wav": (9, ((3, 6),), CSV + "1,2,noise\n4,6,speech\n"),
    },
    "one clip": {"a.wav": (9, ((3, 6),), CSV + "0,3,noise\n3,6,speech\n")},
}
ONE_CLASS = {
    "speech only": {"speech/a.wav": (5, ((0, 5),), None)},
    "noise only": {"noise/a.wav": (5, (), None)},
    "labelled as speech only": {"a.wav": (5, ((0, 5),), CSV + "0,5,speech\n")},
}


def write_set(folder, recordings):
    for name, (seconds, spoken, labels) in recordings.items():
        path = folder / "test" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        waveform = 0.1 * generate("pink", (2, len(name)), seconds)[: round(seconds * RATE)]
        for start, end in spoken:
            voice = generate("speech", (1, len(name)), end - start)
            first = round(start * RATE)
            length = min(len(voice), round((end - start) * RATE), len(waveform) - first)
            waveform[first : first + length] += voice[:length]
        soundfile.write(path, waveform, RATE)
        if labels is not None:
            suffix = ".rttm" if labels.startswith("SPEAKER") else ".csv"
            path.with_suffix(suffix).write_text(labels)


@pytest.fixture
def own(root, request, tmp_path):
    """A profile whose test set is a folder of recordings; the rest is generated audio."""
    write_set(tmp_path / "set", request.param)
    values = PROFILE | {"test": [{"corpus": "folder", "folder": str(tmp_path / "set")}]}
    (root / "profiles" / "own.yaml").write_text(yaml.safe_dump(values))
    settings = load_profile("own")
    yield settings
    (root / "profiles" / "own.yaml").unlink()
    for stale in (settings.results_folder.glob("**/*"), settings.results_folder.glob("**/.*")):
        for path in stale:
            if path.is_file():
                path.unlink()


def run_cells(number):
    """Run the code of a notebook here, with the profile ``own``; its figures are drawn."""
    (path,) = (project_root() / "notebooks").glob(f"{number}_*.ipynb")
    names: dict = {}
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            code = "".join(cell["source"]).replace("profile = None", 'profile = "own"')
            exec(code, names)
    plt.close("all")


@pytest.mark.parametrize("own", SETS.values(), ids=SETS, indirect=True)
def test_a_set_reaches_the_report(own, monkeypatch, recwarn):
    monkeypatch.setattr(other_systems, "PEERS", {"energy": PEERS["energy"]})
    monkeypatch.delenv("ATOMICVAD_PUBLISHED", raising=False)
    prepare(own)
    for seed in own.seeds:
        folder = RunFolder(own, seed)
        save_model(build_model(build_network(seed=seed)), folder.weights)
        history = {"epoch": [1], "learning_rate": [0.1], "loss": [0.1], "val_loss": [0.1]}
        pd.DataFrame(history | {"val_auroc": [0.6]}).to_csv(folder.history, index=False)
        folder.record.write_text("{}")
    score_seeds(own, list(own.seeds))
    for number in ("05", "04"):
        run_cells(number)
    systems = read_systems(own)
    assert set(systems["condition"]) == {"all"}
    aurocs = systems[systems["metric"] == "auroc"]["value"]
    assert len(aurocs) and aurocs.between(0, 1).all()
    closing_block(own)
    one = recorded_labels(own)["video_id"].nunique() == 1
    assert systems[["low", "high"]].isna().all(axis=None) == one
    assert ("one clip, so no intervals can be drawn" in set_line(systems)) == one
    assert [str(w.message) for w in recwarn if "invalid value" in str(w.message)] == []


@pytest.mark.parametrize("own", ONE_CLASS.values(), ids=ONE_CLASS, indirect=True)
def test_a_set_of_one_class_is_refused_before_training(own):
    expected = r"expected segments with speech and segments without.* got (no )?speech only"
    with pytest.raises(AtomicVADError, match=expected):
        prepare(own)


@pytest.mark.parametrize("own", [SETS["overlapping speakers"]], indirect=True)
def test_overlapping_speakers_are_one_turn(own):
    prepare(own)
    folder = own.clips_folder("testing")
    labels = pd.read_csv(folder / "labels.csv", header=None)
    seconds = (labels[2] - labels[1]).groupby(labels[3]).sum()
    np.testing.assert_allclose(seconds[["CLEAN_SPEECH", "NO_SPEECH"]], [9, 7], atol=1e-3)
