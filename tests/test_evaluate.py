"""``atomicvad evaluate``: its numbers are those of scikit-learn, and mistakes are one line."""

import json
import re
import shutil

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
import trees
from scipy.special import expit, logit
from sklearn import metrics as sk
from typer.testing import CliRunner

from atomicvad import config
from atomicvad.audio.decode import decode
from atomicvad.cli.main import app
from atomicvad.config import load_profile, settings_from
from atomicvad.data.labelled_audio import read_labelled
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation import intervals, labelled_audio
from atomicvad.evaluation.real import RealClips
from atomicvad.files import project_root
from atomicvad.model import build_model, build_network, load_model, save_model
from atomicvad.report.evaluation_page import require_folder, write_evaluation
from atomicvad.report.evaluation_text import as_text, summary
from atomicvad.runs.evaluation import evaluate_models
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.probabilities import speech_probabilities
from atomicvad.scoring.real_recordings import read_corpus, score_windows
from atomicvad.sections import SourceSettings

REFERENCE = project_root() / "results" / "open"
MODELS = [str(REFERENCE / f"seed-{seed}" / "model.keras") for seed in (43185, 10357)]
NAMES = ["seed-43185", "seed-10357"]
OPEN = load_profile("open")
SETTINGS = OPEN.model_copy(
    update={"evaluation": OPEN.evaluation.model_copy(update={"resamples": 60})}
)
# Of each recording, kind and seconds of its parts; all are multiples of a frame.
PARTS = [
    [("noise", 1.2), ("speech", 1.9), ("music", 1.1), ("speech", 0.4)],
    [("speech", 1.3), ("noise", 0.3), ("speech", 0.8), ("noise", 1.5)],
]


def build(folder):
    """Two recordings with labels beside them, one that its folder's name labels."""
    sounds = trees.Sounds(900)
    for number, parts in enumerate(PARTS):
        waveform = np.concatenate([sounds(kind, seconds) for kind, seconds in parts])
        trees.write(folder / f"talk-{number}.wav", waveform)
        ends = np.cumsum([0.0, *(seconds for _, seconds in parts)])
        rows = zip(ends, ends[1:], parts, strict=False)
        lines = [
            f"{s:.2f},{e:.2f},{'speech' if k == 'speech' else 'noise'}" for s, e, (k, _) in rows
        ]
        (folder / f"talk-{number}.csv").write_text("start,end,label\n" + "\n".join(lines) + "\n")
    trees.write(folder / "noise" / "wind.flac", sounds("noise", 1.6))
    return folder


def as_manifest(folder, path):
    """The labels of a folder as a manifest, its lines in another order."""
    lines = [
        {"audio_filepath": r.name, "offset": s, "duration": e - s, "label": label}
        for r in read_labelled([folder]).recordings
        for s, e, speech in r.spans
        for label in ["speech" if speech else "background"]
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines[::-1]))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build(tmp_path_factory.mktemp("recordings"))


def run(data, unit="window", models=MODELS, threshold=0.5):
    return evaluate_models(models, [data], SETTINGS, unit, threshold)


@pytest.fixture(scope="module")
def outcome(folder):
    return run(folder)


def slow_items(folder, model, unit):
    """Recording, label and probability of every item, span by span."""
    found = []
    for number, recording in enumerate(read_labelled([folder]).recordings):
        waveform = decode(recording.name)
        for start, end, speech in recording.spans:
            part = waveform[round(start * 16000) : round(end * 16000)]
            values = speech_probabilities(model, part)[1].astype(float)
            if unit == "segment":
                values = [expit(np.median(logit(values)))]
            found += [(number, speech, value) for value in values]
    return (np.array(column) for column in zip(*found, strict=True))


def slow_rates(speech, values):
    cuts = [np.inf, *sorted(set(values), reverse=True)]
    return np.array([[(values[~speech] >= c).mean(), (values[speech] >= c).mean()] for c in cuts]).T


@pytest.mark.parametrize("unit", ["window", "segment"])
def test_all_numbers_are_scikit_learns(folder, unit):
    threshold = 0.4
    found = run(folder, unit, threshold=threshold).evaluation
    for name, path in zip(NAMES, MODELS, strict=True):
        _, speech, values = slow_items(folder, load_model(path), unit)
        taken = values >= threshold
        false, true = slow_rates(speech, values)
        fine = np.linspace(0, 1, 200_001)
        misses = 1 - np.interp(fine, false, true)
        expected = {
            "auroc": sk.roc_auc_score(speech, values),
            "average_precision": sk.average_precision_score(speech, values),
            "accuracy": sk.accuracy_score(speech, taken),
            "balanced_accuracy": sk.balanced_accuracy_score(speech, taken),
            "precision": sk.precision_score(speech, taken),
            "recall": sk.recall_score(speech, taken),
            "f1": sk.f1_score(speech, taken),
            "f2": sk.fbeta_score(speech, taken, beta=2),
        }
        row = found.wide().loc[name]
        assert row[list(expected)].to_dict() == pytest.approx(expected, abs=1e-6)
        assert row["eer"] == pytest.approx(fine[np.argmin(np.abs(misses - fine))], abs=1e-4)
        sides = [np.searchsorted(false, 0.315, side=side) for side in ("left", "right")]
        low, high = true[sides[0] - 1], true[min(sides[1], len(true) - 1)]
        assert low <= row["tpr_at_fpr"] <= high
        (tn, fp), (fn, tp) = sk.confusion_matrix(speech, taken)
        cells = found.confusion[found.confusion["model"] == name]
        cells = cells.set_index(["label", "decision"])["items"]
        assert cells["background", "background"] == tn and cells["background", "speech"] == fp
        assert cells["speech", "background"] == fn and cells["speech", "speech"] == tp
        assert found.support["speech"] == speech.sum()
        assert found.support["background"] == (~speech).sum()
    assert found.support["recordings"] == 3
    assert found.support["seconds"] == pytest.approx(4.6 + 3.9 + 1.6)


def test_intervals_are_over_recordings(folder, outcome):
    clip, speech, values = slow_items(folder, load_model(MODELS[0]), "window")
    right = speech == (values >= 0.5)
    group = np.random.default_rng(0).permutation(3)[clip]
    drawn = [
        np.average(right, weights=draw[group]) for draw in intervals.clip_draws(3, 60)[1:]
    ]  # fmt: skip
    table = outcome.evaluation.table.set_index(["model", "metric"])
    row = table.loc[("seed-43185", "accuracy")]
    assert [row.low, row.high] == pytest.approx(list(np.percentile(drawn, [2.5, 97.5])))
    bounded = table.dropna()
    assert (bounded["low"] <= bounded["value"]).all() and (
        bounded["value"] <= bounded["high"]
    ).all()


def test_many_recordings_are_drawn_in_groups(folder, monkeypatch, outcome):
    monkeypatch.setattr(labelled_audio, "GROUPS", 2)
    grouped = run(folder).evaluation
    assert grouped.wide().equals(outcome.evaluation.wide())
    assert grouped.support["recordings"] == 3


def test_over_models_are_mean_least_and_greatest(outcome):
    wide = outcome.evaluation.wide()
    of_models = wide.loc[NAMES]
    assert (of_models.min() < of_models.max()).any()
    for name in ("mean", "min", "max"):
        assert wide.loc[name].to_numpy() == pytest.approx(getattr(of_models, name)().to_numpy())
    table = outcome.evaluation.table
    assert table[table["model"] == "mean"][["low", "high"]].notna().all(axis=None)


def test_the_ensemble_averages_the_logits_of_all_seeds(folder, tmp_path, monkeypatch):
    """Beside a file of its name, and a seed that is a member, too."""
    monkeypatch.setattr(config, "project_root", project_root)  # where the committed weights are
    shutil.copy(MODELS[1], tmp_path / "ensemble.keras")
    names = ["ensemble", str(tmp_path / "ensemble.keras"), "43185"]
    found = run(folder, models=names).evaluation
    assert found.models == [*names[:2], "seed-43185"] and found.has_mean
    logits = []
    for seed in OPEN.seeds:
        model = load_model(REFERENCE / f"seed-{seed}" / "model.keras")
        _, speech, values = slow_items(folder, model, "window")
        logits.append(logit(values))
    wide = found.wide()
    expected = sk.roc_auc_score(speech, np.mean(logits, axis=0))
    assert wide.loc["ensemble", "auroc"] == pytest.approx(expected, abs=1e-6)
    alone = run(folder).evaluation.wide()
    for name, row in zip(NAMES[::-1], found.models[1:], strict=True):
        assert wide.loc[row].to_dict() == alone.loc[name].to_dict()
    # The mean is over the two files: the ensemble is no model like those that it averages.
    assert wide.loc["mean"].to_dict() == alone.loc["mean"].to_dict()


def test_the_ensemble_beside_one_seed_has_no_mean(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "project_root", project_root)
    outcome = run(folder, models=["ensemble", MODELS[0]])
    assert set(outcome.evaluation.table["model"]) == {"ensemble", NAMES[0]}
    text = as_text(outcome.evaluation)
    assert "ensemble [95 %]" in text and NAMES[0] in text and "mean" not in text
    html = write_evaluation(outcome, tmp_path / "out")[2].read_text()
    assert (
        "ensemble [95 % interval]" in html and "Model by model" in html and "min</th>" not in html
    )


@pytest.mark.parametrize("unit", ["window", "segment", "frame"])
def test_a_manifest_gives_what_its_folder_gives(folder, unit, tmp_path):
    manifest = as_manifest(folder, tmp_path / "lines.json")
    of_folder, of_manifest = run(folder, unit).evaluation, run(manifest, unit).evaluation
    pd.testing.assert_frame_equal(of_folder.table, of_manifest.table)
    pd.testing.assert_frame_equal(of_folder.confusion, of_manifest.confusion)


def test_frames_are_those_of_real_recordings(folder, root, tmp_path):
    settings = settings_from({"corpus": "smoke", "seeds": [1]} | _SMALL, "tests", "labelled")
    corpus = read_corpus(SourceSettings(corpus="folder", folder=folder), settings)
    model = load_model(MODELS[0])
    scores = score_windows(logit_score(model), [corpus], settings, "test")["folder"]
    clips = RealClips(corpus, scores["clip_samples"], settings, 0)
    frames = clips.frames(scores, "atomicvad", 0, "frame")
    (_, _, values), *_ = clips.auroc(frames)
    found = run(folder, "frame", MODELS[:1]).evaluation
    assert found.wide().loc["seed-43185", "auroc"] == pytest.approx(values[0])
    assert found.support["speech"] == clips.speech.sum() == 440


_SMALL = {
    "windows": {
        "stride_seconds": {"speech": 0.3, "background": 0.3},
        "counts": {"training": 64, "validation": 32, "testing": 32},
    },
    "scenes": {"clips": 1, "clip_seconds": 30},
}


def test_clips_in_ava_speechs_format_are_read(tmp_path):
    trees.write(tmp_path / "audio" / "film.wav", trees.sound("speech", 1, 3.0))
    (tmp_path / "labels.csv").write_text(
        "film,900,901.5,CLEAN_SPEECH\nfilm,901.5,903,NO_SPEECH\nother,900,901,NO_SPEECH\n"
    )
    found = run(tmp_path, "segment")
    assert found.evaluation.support == {
        "speech": 1, "background": 1, "recordings": 1, "seconds": 3.0
    }  # fmt: skip
    assert found.left_out == 1  # the clip without audio
    text = as_text(found.evaluation)
    assert "one recording: no intervals" in text and "[0" not in text


@pytest.mark.parametrize(
    ("kind", "absent"),
    [
        ("noise", {"balanced_accuracy", "precision", "recall", "f1", "f2"}),
        ("speech", {"balanced_accuracy"}),
    ],
)
def test_of_one_class_the_rest_is_given(kind, absent, tmp_path):
    for number in range(2):
        trees.write(tmp_path / "in" / kind / f"{number}.wav", trees.sound(kind, number))
    outcome = run(tmp_path / "in")
    found = outcome.evaluation
    ranking = {"auroc", "average_precision", "eer", "tpr_at_fpr"}
    assert set(found.wide()) == set(labelled_audio.METRICS) - ranking - absent
    assert "only, one class: no AUROC" in as_text(found)
    html = write_evaluation(outcome, tmp_path / "out")[2].read_text()
    assert "one class: no AUROC" in html and "<h2>ROC" not in html


def test_what_cannot_be_read_is_left_out_and_counted(folder, tmp_path, outcome, capsys):
    build(tmp_path)
    (tmp_path / "noise" / "broken.wav").write_bytes(b"RIFF nothing")
    whole = trees.write(tmp_path / "noise" / "long.flac", trees.sound("noise", 5, 20.0))
    whole.write_bytes(whole.read_bytes()[:-40_000])  # its head is right
    trees.write(tmp_path / "unlabelled.wav", trees.sound("noise", 6))
    found = run(tmp_path)
    assert found.left_out == 3 and "; 3 files left out" in summary(found)
    printed = capsys.readouterr().out
    for name in ("broken.wav", "long.flac", "unlabelled.wav"):
        assert len(re.findall(rf"left out: .*{name}", printed)) == 1
    assert found.evaluation.wide().equals(outcome.evaluation.wide())


def another_architecture(path):
    save_model(build_model(build_network(activation_name="gelu")), path)
    return str(path)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "expected recordings, found no audio file"),
        ({"a.wav": "noise"}, "no labels: expected a label file beside each recording"),
        ({"noise/a.wav": ""}, "nothing labelled can be read, as "),
        ({"a.wav": "noise", "a.csv": "start,end,label\n0,x,speech"}, "a.csv:2: "),
        ({"a.wav": "noise", "a.csv": "start,end,label\n0,9,speech"}, "a.csv:2: .*past the end"),
    ],
)
def test_data_that_cannot_be_used_is_one_line(files, said, tmp_path):
    for name, content in files.items():
        if content == "noise":
            trees.write(tmp_path / name, trees.sound("noise"))
        else:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content)
    with pytest.raises(AtomicVADError, match=said) as caught:
        run(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "unit", "said"),
    [
        ([(0, 5)], "window", r"m.json:1: a.wav: 0 to 5 s: expected times within the audio"),
        ([(0, 1), (0.5, 1)], "frame", r"labels overlap at 0.500 s: frames cannot be evaluated"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_one_line(lines, unit, said, tmp_path):
    trees.write(tmp_path / "a.wav", trees.sound("noise"))
    rows = [{"audio_filepath": "a.wav", "offset": o, "duration": d, "label": "speech"}
            for o, d in lines]  # fmt: skip
    (tmp_path / "m.json").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(AtomicVADError, match=said):
        run(tmp_path / "m.json", unit)


def test_models_that_cannot_be_meant_are_one_line(folder, tmp_path):
    for models, said in (
        ([another_architecture(tmp_path / "gelu.keras")], "another architecture"),
        ([str(tmp_path / "none.keras")], "none.keras: no such weight file"),
        ([MODELS[0], MODELS[0]], "is named twice"),
        (["ensemble", "ensemble"], "MODEL: ensemble is named twice"),
        (["43186"], "seed: expected one of"),
        (["mine"], "MODEL: expected a .keras file, a seed or released-0"),
    ):
        with pytest.raises(AtomicVADError, match=said):
            run(folder, models=models)
    with pytest.raises(AtomicVADError, match="--unit: expected window, segment, frame; got 'clip'"):
        run(folder, "clip")
    with pytest.raises(AtomicVADError, match="no such folder or manifest"):
        run(tmp_path / "none")


def test_the_page_is_whole_by_itself(outcome, tmp_path):
    table, confusion, html = write_evaluation(outcome, tmp_path / "out")
    numbers = pd.read_csv(table)
    assert list(numbers) == ["model", "unit", "metric", "value", "low", "high"]
    assert set(numbers["model"]) == {*NAMES, "mean", "min", "max"}
    assert pd.read_csv(confusion)["items"].sum() == 2 * sum(
        outcome.evaluation.support[name] for name in ("speech", "background")
    )
    page = html.read_text()
    assert not re.search(r"https?://|<script|<link", page)
    assert "prefers-color-scheme: dark" in page and 'name="viewport"' in page
    described = re.findall(r'<img src="data:image/svg\+xml;base64,[^"]+" alt="([^"]+)"', page)
    assert len(described) == page.count("<img") == 3
    assert described[0].startswith("ROC curves of seed-43185, seed-10357: AUROC from 0.")
    first = html.read_bytes()
    write_evaluation(outcome, tmp_path / "out")
    assert html.read_bytes() == first


def test_a_file_in_place_of_the_folder_is_found_before_scoring(tmp_path):
    (tmp_path / "file").write_text("")
    require_folder(tmp_path / "new" / "folder")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(AtomicVADError, match=r"--out: .*file: expected a folder, found a file"):
            require_folder(out)


def test_the_command_prints_a_table_and_writes_the_files(folder, tmp_path):
    result = CliRunner().invoke(
        app, ["evaluate", *MODELS, "--data", str(folder), "--out", str(tmp_path / "new")]
    )
    assert result.exit_code == 0, result.output
    assert re.search(
        r"AUROC +0\.\d{3} \[0\.\d{3}, [01]\.\d{3}\] +0\.\d{3} +[01]\.\d{3}", result.output
    )
    assert re.search(r"3 files, 10\.1 s scored by 2 models in .* times real time", result.output)
    assert {p.name for p in (tmp_path / "new").iterdir()} == {
        "evaluation.csv", "confusion.csv", "evaluation.html"
    }  # fmt: skip


def test_help_shows_an_example():
    result = CliRunner().invoke(app, ["evaluate", "--help"], terminal_width=200)
    assert result.exit_code == 0
    assert "atomicvad evaluate ensemble mine/*.keras --data recordings" in result.output
