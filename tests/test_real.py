"""Real recordings: folders of others are read as they are, and metrics are as by hand."""

import json
import subprocess

import numpy as np
import pandas as pd
import pytest
import trees

from atomicvad.config import settings_from
from atomicvad.corpora import ami_excerpts, nonspeech
from atomicvad.corpora.labels import fill
from atomicvad.corpora.registry import get_corpus
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation import events, intervals, real
from atomicvad.model import build_model, build_network, save_model
from atomicvad.report import real_figures, real_tables
from atomicvad.runs import real as real_runs
from atomicvad.runs import seed as seed_runs
from atomicvad.runs import systems as other_systems
from atomicvad.scoring.peers import PEERS
from atomicvad.scoring.real_recordings import read_corpus
from atomicvad.sections import SourceSettings

TINY = {
    "corpus": "smoke",
    "seeds": [7, 8],
    "windows": {
        "stride_seconds": {"speech": 0.3, "background": 0.3},
        "counts": {"training": 64, "validation": 32, "testing": 32},
    },
    "scenes": {"clips": 1, "clip_seconds": 30},
    "evaluation": {"resamples": 40},
}
SOURCE = SourceSettings(corpus="ami_excerpts")


def entries(name, folder):
    return list(get_corpus(name).entries(folder, SourceSettings(corpus=name), 42))


# --- folders


def test_turns_that_touch_or_overlap_count_once(tmp_path, root):
    trees.ami_excerpts(tmp_path)
    found = {entry.path: entry for entry in entries("ami_excerpts", tmp_path)}
    assert found.keys() == {"wav/dev00.flac", "wav/dev01.flac"}
    assert len(found["wav/dev00.flac"].segments) == 3
    assert {entry.split for entry in found.values()} == {"testing"}
    source = SourceSettings(corpus="ami_excerpts", folder=tmp_path)
    corpus = read_corpus(source, settings_from(TINY, "tests", "overlapping"))
    facts = corpus.facts()
    assert facts["recordings"] == 2 and facts["seconds"] == pytest.approx(10)
    assert facts["speech_seconds"] == pytest.approx(2.5 + 1.5)  # of 5.3 s in turns
    for _, rows in corpus.labels.groupby("video_id"):
        assert rows["start"].to_numpy()[1:] == pytest.approx(rows["end"].to_numpy()[:-1])
    clips = real.RealClips(
        corpus, np.array([80000, 80000]), settings_from(TINY, "tests", "overlapping"), 0
    )
    expected = np.zeros(1000, bool)
    expected[50:300] = expected[700:850] = True
    assert (clips.speech == expected).all() and (clips.quiet == ~expected).all()
    # Touching turns are one: of 2.5 s, the other one of 1.5 s.
    groups = {name: of.sum() for metric, name, of in clips.groups if metric == "recall"}
    assert groups == {"all": 400, "turns 1-2 s": 150, "turns > 2 s": 250}


def test_speech_is_the_union_whatever_the_order():
    assert fill([(1.0, 3.0, True), (2.0, 2.5, True), (3.5, 4.0, True)], 5.0) == [
        (0.0, 1.0, False),
        (1.0, 3.0, True),
        (3.0, 3.5, False),
        (3.5, 4.0, True),
        (4.0, 5.0, False),
    ]


def test_categories_are_of_folders_or_of_a_table(tmp_path):
    trees.nonspeech(tmp_path)
    found = {entry.path: entry.source for entry in entries("nonspeech", tmp_path)}
    assert found == {
        "crying_baby/0-1000-A.ogg": "crying baby",
        "crying_baby/1-1000-A.wav": "crying baby",
        "dog/2-1000-A.ogg": "dog",
    }
    (tmp_path / "labels.csv").write_text("file,category,source\ndog/2-1000-A.ogg,bark,esc50\n")
    found = {entry.path: entry.source for entry in entries("nonspeech", tmp_path)}
    assert found == {"dog/2-1000-A.ogg": "bark"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,category\na.wav,dog\n", "labels.csv:1: expected the columns file and category"),
        ("file,category\na.wav\n", "labels.csv:2: expected a file and its category"),
        ("file,category\na.wav,dog\na.wav,cat\n", "labels.csv:3: 'a.wav' is named twice"),
    ],
)
def test_a_bad_table_of_categories_is_named_with_its_line(text, said, tmp_path):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(AtomicVADError) as caught:
        nonspeech.read_categories(tmp_path / "labels.csv")
    assert said in str(caught.value)


def test_sounds_without_a_folder_or_a_table_are_refused(tmp_path):
    trees.write(tmp_path / "a.wav", trees.sound("noise"))
    with pytest.raises(AtomicVADError, match=r"a\.wav: expected CATEGORY"):
        entries("nonspeech", tmp_path)


def test_recordings_that_no_rttm_names_are_left_out(tmp_path, capsys):
    trees.ami_excerpts(tmp_path)
    trees.write(tmp_path / "other.wav", trees.sound("speech"))
    assert len(entries("ami_excerpts", tmp_path)) == 2
    assert "other.wav: no RTTM file names it" in capsys.readouterr().out
    (tmp_path / "bad.rttm").write_text("SPEAKER dev00 1 x 1.0\n")
    with pytest.raises(AtomicVADError, match=r"bad\.rttm:1: times"):
        entries("ami_excerpts", tmp_path)


@pytest.mark.parametrize("name", ["ami_excerpts", "nonspeech"])
def test_nothing_is_trained_on_them(name, tmp_path):
    trees.BUILDERS[name](tmp_path)
    source = SourceSettings(corpus=name, split="training")
    with pytest.raises(AtomicVADError, match="to measure on, none for training"):
        list(get_corpus(name).entries(tmp_path, source, 42))


# --- from a repository


def repository(folder, build, inside):
    """A repository on this disk, as a public server has it; its address and its commit."""
    build(folder / inside)
    (folder / "code.py").write_text("not wanted\n")
    for command in (
        ["init", "--quiet"],
        ["config", "uploadpack.allowFilter", "true"],
        ["config", "uploadpack.allowAnySHA1InWant", "true"],
        ["add", "--all"],
        ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-m", "data"],
    ):
        subprocess.run(["git", "-C", folder, *command], check=True)
    head = subprocess.run(
        ["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return f"file://{folder}", head.stdout.strip()


def flat_excerpts(folder):
    trees.write(folder / "dev00.wav", trees.sound("speech"))
    (folder / "debug.rttm").write_text("SPEAKER dev00 1 0.5 1.0 <NA> <NA> a <NA> <NA>\n")
    (folder / "debug.ckpt").write_text("not wanted\n")


def test_excerpts_are_fetched_at_a_commit(tmp_path):
    url, commit = repository(tmp_path / "origin", flat_excerpts, "tests/data")
    folder = tmp_path / "corpora" / "ami_excerpts"
    ami_excerpts.fetch(folder, url, commit)
    assert sorted(path.name for path in folder.iterdir()) == ["debug.rttm", "dev00.wav"]
    assert [path.name for path in folder.parent.iterdir()] == ["ami_excerpts"]
    assert len(entries("ami_excerpts", folder)) == 1
    with pytest.raises(AtomicVADError, match="already exists"):
        ami_excerpts.fetch(folder, url, commit)


def test_sounds_are_fetched_from_two_repositories(tmp_path):
    def build(folder):
        trees.write(folder / "301 - Crying baby" / "a.wav", trees.sound("noise"))

    first = repository(tmp_path / "first", build, "data")
    second = repository(tmp_path / "second", trees.nonspeech, "cleaned")
    origins = (
        (*first, {"data/301 - Crying baby": "crying baby"}),
        (*second, {"cleaned": "baby cry"}),
    )
    folder = tmp_path / "corpora" / "nonspeech"
    nonspeech.fetch(folder, origins)
    assert {path.name for path in folder.iterdir()} == {"crying baby", "baby cry"}
    found = entries("nonspeech", folder)
    assert len(found) == 4


def test_a_commit_that_is_not_there_leaves_nothing(tmp_path):
    url, _ = repository(tmp_path / "origin", flat_excerpts, "tests/data")
    folder = tmp_path / "corpora" / "ami_excerpts"
    with pytest.raises(AtomicVADError, match="at 000000000000: git fetch: ") as caught:
        ami_excerpts.fetch(folder, url, "0" * 40)
    assert "\n" not in str(caught.value) and list(folder.parent.iterdir()) == []
    other, commit = repository(tmp_path / "other", flat_excerpts, "elsewhere")
    with pytest.raises(AtomicVADError, match="expected recordings in tests/data"):
        ami_excerpts.fetch(folder, other, commit)


# --- metrics


def frames_of(*spans, count=1000):
    flags = np.zeros(count, bool)
    for start, end in spans:
        flags[start:end] = True
    return flags


def test_errors_of_boundaries_are_as_by_hand():
    truth = frames_of((0, 100), (200, 300), (400, 450), (600, 700), (900, 1000))
    decisions = frames_of((0, 120), (190, 280), (290, 430), (610, 640), (660, 720), (880, 950))
    onsets, offsets = events.boundary_errors(truth, decisions)
    # (0, 100) has no onset; (290, 430) begins in one turn and lasts into the next.
    assert onsets == pytest.approx([-0.1, 0.1, -0.2])
    assert offsets == pytest.approx([0.2, -0.2, 0.2])
    metrics = events.boundary_metrics(truth, decisions, np.array([1000]), np.ones((2, 1)))
    assert metrics["onset_error_p50"] == pytest.approx(-0.1)
    assert metrics["onset_error_abs_p95"] == pytest.approx(0.2)
    assert metrics["offset_error_p50"] == pytest.approx(0.2)
    assert events.boundary_errors(truth, np.zeros(1000, bool)) == ([], [])


def test_lengths_are_grouped_as_their_names_say():
    flags = frames_of((0, 20), (100, 140), (200, 263), (300, 399), (500, 600), count=700)
    groups = real.length_groups(flags, np.array([700]), real.PAUSE_EDGES)
    names = real.group_names(real.PAUSE_EDGES)
    found = {start: names[groups[start]] for start in (0, 100, 200, 300, 500)}
    assert found == {
        0: "0.2-0.4 s",
        100: "0.4-0.63 s",
        200: "0.63-1 s",
        300: "0.63-1 s",
        500: "> 1 s",
    }
    assert (groups[~flags] == -1).all()
    # A run ends with its clip: of one of 30 frames, 10 lie in the next clip.
    split = real.length_groups(frames_of((90, 120), count=200), np.array([100, 100]), (0.15, 1.0))
    assert set(split[90:100]) == {0} and set(split[100:120]) == {1}


def test_metrics_of_frames_equal_a_slow_reference(tmp_path, root):
    from sklearn.metrics import f1_score, precision_score, roc_auc_score

    settings = settings_from(TINY, "tests", "slow")
    trees.ami_excerpts(tmp_path)
    corpus = read_corpus(SOURCE.model_copy(update={"folder": tmp_path}), settings)
    clips = real.RealClips(corpus, np.array([80000, 80000]), settings, 0)
    truth = clips.speech
    scores = np.random.default_rng(0).normal(size=1000).round(2) + truth
    found = {(m, g): v for m, g, v in clips.metrics(scores, 0.7)}
    for suffix, cut in (("", 0.0), ("_tuned", 0.7)):
        decided = scores >= cut
        expected = {
            ("recall", "all"): decided[truth].mean(),
            ("recall", "turns 1-2 s"): decided[700:850].mean(),
            ("false_share", "all"): decided[~truth].mean(),
            ("false_share", "pauses 0.4-0.63 s"): decided[:50].mean(),
            ("f1", "all"): f1_score(truth, decided),
            ("precision", "all"): precision_score(truth, decided),
            ("detection_error_rate", "all"): (truth != decided).sum() / truth.sum(),
        }
        for (metric, group), value in expected.items():
            assert found[metric + suffix, group][0] == pytest.approx(value), (metric, group)
    assert found["auroc", "all"][0] == pytest.approx(roc_auc_score(truth, scores))
    # Every draw, as if its clips were repeated.
    often = clips.draws[5].astype(int)[clips.clip]
    repeated = np.repeat(scores, often)[np.repeat(truth, often)] >= 0.7
    assert found["recall_tuned", "all"][5] == pytest.approx(repeated.mean())


def test_groups_that_a_draw_lacks_have_no_value_there():
    draws = np.array([[1, 1], [2, 0], [0, 2]])
    of, clip = frames_of((0, 10), count=20), np.repeat([0, 1], 10)
    found = real.share(of, of, clip, draws)
    assert found[:2].tolist() == [1, 1] and np.isnan(found[2])
    assert intervals.paired_difference(found, found)["p"] == 1


# --- the whole


@pytest.fixture(scope="module")
def measured(root, tmp_path_factory):
    """A profile of two untrained seeds and two peers, measured on a made-up folder."""
    folder = tmp_path_factory.mktemp("real")
    trees.ami_excerpts(folder / "ami_excerpts")
    trees.nonspeech(folder / "nonspeech")
    settings = settings_from(TINY, "tests", "real")
    for seed in settings.seeds:
        save_model(build_model(build_network(seed=seed)), settings.run_folder(seed) / "model.keras")
    few = {name: PEERS[name] for name in ("energy", "webrtc")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATOMICVAD_CORPORA", str(folder))
        patch.delenv("ATOMICVAD_PUBLISHED", raising=False)
        patch.setattr(other_systems, "PEERS", few)
        patch.setattr(real_runs, "PEERS", few)
        with pytest.raises(AtomicVADError, match="make reproduce PROFILE=real"):
            real_runs.measure_real(settings)
        seed_runs.score_seeds(settings, list(settings.seeds))
        other_systems.score_other_systems(settings)
        first = real_runs.measure_real(settings)
        again = real_runs.measure_real(settings)
    return settings, first, again


def test_make_real_runs_on_a_folder(measured):
    settings, first, again = measured
    done = {name: first[name] for name in ("atomicvad", "integer", "stream", "energy", "webrtc")}
    assert set(done.values()) == {"scored"} and "ATOMICVAD_PUBLISHED" in first["released"]
    assert {again[name] for name in done} == {"up to date"}
    folder = real_tables.real_folder(settings)
    table = real_tables.read_real(folder)
    assert list(table.columns) == real.COLUMNS
    assert not table.duplicated(real.COLUMNS[:5]).any()
    assert set(table["corpus"]) == {"ami_excerpts", "nonspeech"}
    spans = table["protocol"] == "segments"
    assert set(table.loc[~spans, "system"]) == {
        *("atomicvad", "integer", "stream", "energy", "webrtc")
    }
    assert set(table.loc[spans, "system"]) == {"ensemble", "integer", "stream"}
    ours = table[table["system"] == "atomicvad"]
    assert set(ours["protocol"]) == {"frame", "frame-covered", "frame-causal"}
    assert (ours["members"] == 2).all()
    groups = set(table[table["metric"] == "false_share_tuned"]["group"])
    assert {"all", "crying baby", "dog", "pauses > 1 s"} <= groups
    assert "against the speech of ami_excerpts" in set(table["group"])
    bounded = table[table["metric"].isin(["auroc", "recall", "f1_tuned"])]
    assert bounded["value"].between(0, 1).all()
    paired = real_tables.read_real(folder, "real_paired.csv")
    assert set(paired["other"]) == {"integer", "stream", "energy", "webrtc"}
    key = ["ami_excerpts", "frame", "auroc", "all"]
    values = table[(table[["corpus", "protocol", "metric", "group"]] == key).all(axis=1)]
    values = values.set_index("system")["value"]
    difference = paired[(paired[["corpus", "protocol", "metric", "group"]] == key).all(axis=1)]
    difference = difference.set_index("other")["difference"]
    assert difference["energy"] == pytest.approx(values["atomicvad"] - values["energy"], abs=2e-6)
    facts = json.loads((folder / "recordings.json").read_text())
    assert facts["ami_excerpts"]["speech_seconds"] == pytest.approx(4.0)
    assert facts["nonspeech"]["speech_seconds"] == 0


def test_tables_and_figures_have_every_system(measured):
    import matplotlib.pyplot as plt

    settings, *_ = measured
    folder = real_tables.real_folder(settings)
    table = real_tables.read_real(folder)
    for made in (
        *(real_tables.pivot(table, real_tables.CELLS), real_tables.by_protocol(table)),
        *(real_tables.decision_table(table), real_tables.boundary_table(table)),
    ):
        assert len(made) == 5 and "AtomicVAD, this companion" in made.index
    text = real_tables.markdown_block(folder)
    assert "development set" in text and "2 recordings" in text
    assert "better results than this companion" in text
    seconds = real_tables.seconds_of(folder)
    assert seconds["turns > 2 s"] == pytest.approx(2.5) and seconds["dog"] == 1.08
    real_figures.real_lengths(table, seconds).canvas.draw()
    for draw in (real_figures.real_auroc, real_figures.real_categories):
        draw(table).canvas.draw()
    plt.close("all")


def test_without_recordings_the_reference_is_shown(measured, root):
    settings, *_ = measured
    other = settings_from(TINY, "tests", "unmeasured")
    assert real_tables.real_folder(other) is None
    assert "no measurements" in real_tables.real_lines(other)
    reference = other.reference.results_folder / "real"
    reference.mkdir(parents=True)
    for path in real_tables.real_folder(settings).glob("*.*"):
        (reference / path.name).write_bytes(path.read_bytes())
    assert real_tables.real_folder(other) == reference
    assert isinstance(real_tables.read_real(reference), pd.DataFrame)
