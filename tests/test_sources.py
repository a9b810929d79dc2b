"""Every named corpus, from a folder in its true layout to a trained model and a table."""

import json
import os
import re
import subprocess
import sys
from functools import partial

import nbformat
import pandas as pd
import pytest
import trees
import yaml

from atomicvad.audio.decode import decode, read_header
from atomicvad.config import SPLITS, load_profile, settings_from
from atomicvad.corpora import index, speech_commands
from atomicvad.corpora.clips import read_labels
from atomicvad.corpora.index import find_files, index_files
from atomicvad.corpora.recordings import Recording
from atomicvad.corpora.registry import NAMED, get_corpus
from atomicvad.corpora.splits import by_file, by_group
from atomicvad.data.audit import audit
from atomicvad.data.manifest import read_manifest
from atomicvad.data.prepare import dataset_of, prepare
from atomicvad.data.sources import collect
from atomicvad.data.store import AudioStore
from atomicvad.data.testset import dataset_name, prepare_clips
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.sections import SourceSettings, SplitShares

PROFILE = {
    "corpus": "sources",
    "seeds": [1],
    "windows": {
        "stride_seconds": {"speech": 0.1, "background": 0.1},
        "counts": {"training": 32, "validation": 16, "testing": 16},
    },
    "scenes": {"clips": 1, "clip_seconds": 20, "segment_seconds": [0.65, 1.5]},
    "training": {"batch_size": 32, "epochs": 1},
}
MUSAN = {"corpus": "musan"}
# What each is tried with: those with speech alone need backgrounds from elsewhere.
PROFILES = {
    "common_voice": {"sources": [{"corpus": "common_voice"}, MUSAN]},
    "folder": {"sources": [{"corpus": "folder"}], "test": [{"corpus": "folder"}]},
    "librispeech": {
        "sources": [{"corpus": "librispeech"}, MUSAN],
        "test": [{"corpus": "librispeech"}, MUSAN],
    },
    "mls": {"sources": [{"corpus": "mls"}, MUSAN]},
    "musan": {"sources": [MUSAN]},
    "speech_activity": {
        "sources": [{"corpus": "speech_activity"}],
        "test": [{"corpus": "speech_activity"}],
    },
    "voxceleb": {"sources": [{"corpus": "voxceleb"}, MUSAN]},
    "speech_commands": {
        "sources": [{"corpus": "speech_commands"}, {"corpus": "freesound"}],
        "test": [{"corpus": "ava_speech"}],
    },
}


@pytest.fixture
def eager():
    """One step of training is over before its graph would be built."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """A folder with a small tree of every corpus; ``ATOMICVAD_CORPORA`` names it."""
    root = tmp_path_factory.mktemp("corpora")
    for name, build in trees.BUILDERS.items():
        build(root / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATOMICVAD_CORPORA", str(root))
        yield root


def test_every_corpus_has_a_tree():
    assert set(trees.BUILDERS) == set(NAMED)


@pytest.mark.filterwarnings("ignore:Even though:UserWarning", "ignore:invalid value")
@pytest.mark.parametrize("name", PROFILES)
def test_from_a_folder_to_a_table(name, corpora, root, eager):
    from atomicvad.runs.seed import run_seed

    profile = root / "profiles" / f"{name}.yaml"
    profile.parent.mkdir(exist_ok=True)
    profile.write_text(yaml.safe_dump(PROFILE | PROFILES[name]))
    settings = load_profile(name)
    metrics = run_seed(settings, 1)
    auroc = metrics[metrics["metric"] == "auroc"]
    assert len(auroc) and auroc["value"].between(0, 1).all()
    run_data_notebook(name)


def run_data_notebook(profile: str) -> None:
    """All cells of 01_data, here: a kernel for every corpus would take minutes."""
    import matplotlib.pyplot as plt

    notebook = nbformat.read(project_root() / "notebooks" / "01_data.ipynb", as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    namespace = {"profile": profile}
    for cell in cells[1:]:
        exec(cell, namespace)
    plt.close("all")


def test_the_official_split_of_speech_commands():
    """Speakers that the corpus' own testing_list.txt has."""
    listed = "2aa787cf ffa76c4a 24ad3ebe d7467392 5828dfa2 91223b83 f0ae7203 95ba4996 94de6a6a"
    assert {speech_commands.official_split(s) for s in listed.split()} == {"testing"}
    drawn = [speech_commands.official_split(f"{n:08x}") for n in range(5000)]
    assert abs(drawn.count("training") / 5000 - 0.8) < 0.02


def test_the_leak_between_the_splits(corpora, tmp_path):
    trees.speech_commands(tmp_path / "words", each=24)
    table = speech_commands.leak(tmp_path / "words", 42).set_index(["split by", "side"])
    assert table.loc["speaker", "leak"].tolist() == [0, 0]
    assert (table.loc["file", "leak"] > 0.2).all()
    assert table.loc["speaker", "files"].tolist() == [24, 24]


MEASURED_ON = ("ami_excerpts", "ava_speech", "nonspeech")  # nothing is trained on them


@pytest.mark.parametrize("name", [n for n in NAMED if n not in MEASURED_ON])
def test_splits(name, corpora):
    """By speaker: nobody on two sides. By file: the paper's shares. Or all on one."""
    corpus, folder = get_corpus(name), corpora / name
    found = list(corpus.entries(folder, SourceSettings(corpus=name), 42))
    assert {entry.split for entry in found} == set(trees.SPLITS)
    for value in ("speaker", "source"):
        named = [(getattr(e, value), e.split) for e in found if getattr(e, value)]
        assert len(dict(named)) == len(set(named))
    testing = list(corpus.entries(folder, SourceSettings(corpus=name, split="testing"), 42))
    assert {entry.split for entry in testing} == {"testing"} and len(testing) == len(found)
    by_file = list(corpus.entries(folder, SourceSettings(corpus=name, split="file"), 42))
    assert sorted(e.path for e in by_file) == sorted(e.path for e in found)


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.1), (0.7, 0.2, 0.1), (0.5, 0.5, 0), (1, 0, 0)])
def test_shares_are_a_setting(shares):
    """By file to the last one; by group as the hashes of its names fall."""
    wanted = SplitShares(**dict(zip(SPLITS, shares, strict=True)))
    names = [f"{n}.wav" for n in range(1000)]
    files = pd.Series(by_file(names, 42, wanted)).value_counts().reindex(SPLITS, fill_value=0)
    assert files.tolist() == [1000 * share for share in shares]
    groups = pd.Series([by_group(name, wanted) for name in names])
    found = groups.value_counts().reindex(SPLITS, fill_value=0) / 1000
    assert found.tolist() == pytest.approx(shares, abs=0.05)


def test_shares_that_are_no_whole_are_refused():
    with pytest.raises(ValueError, match=r"to add to 1, got 1\.1"):
        SplitShares(training=0.9)


def test_shares_of_the_split_by_file():
    splits = pd.Series(by_file([f"{n}.wav" for n in range(1000)], 42))
    assert splits.value_counts().to_dict() == {"training": 800, "validation": 100, "testing": 100}


def test_what_the_corpora_say_of_their_recordings(corpora):
    def facts(name, **more):
        source = SourceSettings(corpus=name, **more)
        return list(get_corpus(name).entries(corpora / name, source, 42))

    assert {e.language for e in facts("mls")} == {"de", "pl"}
    assert {e.kind for e in facts("musan")} == {"speech", "noise", "music"}
    assert {e.language for e in facts("musan") if e.kind == "speech"} == {"english"}
    assert {e.path.rsplit(".")[-1] for e in facts("voxceleb")} == {"wav", "m4a"}
    assert {e.language for e in facts("common_voice")} == {"de"}
    assert {e.source for e in facts("freesound")} == {f"freesound/{u}" for u in uploaders(corpora)}
    labelled = [e for e in facts("folder") if e.segments]
    assert len(labelled) == 12 and all(len(e.segments) in (1, 3) for e in labelled)
    assert all(len(e.segments) == 3 for e in facts("speech_activity"))


def uploaders(corpora):
    lock = json.loads((corpora / "freesound" / "freesound.lock.json").read_text())
    return {sound["username"] for sound in lock["sounds"]}


def test_avas_test_set_names_what_is_missing(corpora, root):
    settings = settings_from(PROFILE | PROFILES["speech_commands"], "tests", "speech_commands")
    prepare(settings)
    folder = settings.data_folder / "scenes"
    clips = pd.read_csv(folder / "clips.csv").set_index("clip")
    assert clips["state"].value_counts().to_dict() == {"whole": 2, "missing": 1, "truncated": 1}
    assert clips.loc["missing0000", "segments"] == 0 < clips.loc["truncated00", "left_out"]
    assert dataset_of(settings) == "AVA-Speech (3 of 4 clips)"
    labels = read_labels(folder / "labels.csv")
    assert set(labels["condition"]) == {"background", "clean", "noise", "music"}
    manifest = read_manifest(folder / "manifest.json")
    assert len(manifest) == len(labels) == clips["segments"].sum()
    assert audit([folder / "manifest.json"]).errors == 0


@pytest.mark.parametrize(
    ("subset", "said"),
    [
        ("all", "1 of 4 clips are missing, the first missing0000"),
        ("nowhere.txt", "subset: expected available, all or a text file"),
    ],
)
def test_a_subset_that_is_not_there_is_refused(subset, said, corpora, root):
    test = [{"corpus": "ava_speech", "subset": subset}]
    values = PROFILE | PROFILES["speech_commands"] | {"test": test}
    with pytest.raises(AtomicVADError, match=said):
        settings = settings_from(values, "tests", "subset")
        prepare_clips(settings, settings.test, "testing")


def test_a_listed_subset_names_itself(corpora, root, tmp_path):
    (tmp_path / "marblenet.txt").write_text("-0IxrAbcd_\n-1IxrAbcd_.mkv\n")
    test = [{"corpus": "ava_speech", "subset": str(tmp_path / "marblenet.txt")}]
    values = PROFILE | PROFILES["speech_commands"] | {"test": test}
    settings = settings_from(values, "tests", "listed")
    prepare_clips(settings, settings.test, "testing")
    assert dataset_name(settings.clips_folder("testing")) == "AVA-Speech marblenet (2 of 2 clips)"


def test_files_that_are_too_long_are_left_out(corpora, root, capsys):
    windows = PROFILE["windows"] | {"longest_seconds": 4.5}
    values = PROFILE | PROFILES["musan"] | {"windows": windows}
    collected = collect(settings_from(values, "tests", "longest"))
    assert {r.kind for r in collected.recordings} == {"speech"}
    assert "18 recordings of musan longer than 4.5 s" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMED)
def test_a_corpus_that_is_not_there_says_where_to_get_it(name, root, tmp_path):
    about = get_corpus(name).ABOUT
    source = {"corpus": name, "folder": str(tmp_path / "nothing")}
    settings = settings_from(PROFILE | {"sources": [source]}, "tests", "absent")
    with pytest.raises(AtomicVADError, match="no such folder") as caught:
        collect(settings)
    assert about.layout in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "file", "text", "said"),
    [
        ("common_voice", "de/train.tsv", "client_id\tpath\nx\t../../secret.mp3\n", "train.tsv:2"),
        ("common_voice", "de/train.tsv", "path\tsentence\n", "train.tsv:1: expected the columns"),
        ("ava_speech", "ava_speech_labels_v1.csv", "../../up,900,901,NO_SPEECH\n", "plain name"),
        ("freesound", "freesound.lock.json", '{"sounds": [{"id": "../x"}]}', "id: expected a"),
        ("folder", "train/meeting0.csv", "0,1,perhaps\n", "meeting0.csv:1: label"),
    ],
)
def test_a_hostile_label_file_names_nothing_outside(name, file, text, said, root, tmp_path):
    trees.BUILDERS[name](tmp_path / name)
    (tmp_path / name / file).write_text(text)
    source = {"corpus": name, "folder": str(tmp_path / name)}
    test = {"test": [source]} if name == "ava_speech" else {"sources": [source]}
    settings = settings_from(PROFILE | PROFILES["musan"] | test, "tests", "hostile")
    with pytest.raises(AtomicVADError, match=said):
        if name == "ava_speech":
            prepare_clips(settings, settings.test, "testing")
        else:
            collect(settings)


def test_label_files_and_names_of_other_systems(tmp_path, capsys):
    """Suffixes in capitals, spaces that do not break, bytes that are no UTF-8."""
    for name in ("a.wav", "b c.wav", "d\u202f1.WAV"):
        trees.write(tmp_path / "speech" / name, trees.sound("speech"))
    (tmp_path / "speech" / "a.CSV").write_text("0,1,noise\n1,2,speech\n")
    os.rename(tmp_path / "speech" / "b c.wav", os.fsencode(tmp_path) + b"/speech/\xe4.wav")
    source = SourceSettings(corpus="folder", folder=tmp_path)
    found = {entry.path: entry for entry in get_corpus("folder").entries(tmp_path, source, 42)}
    assert found.keys() == {"speech/a.wav", "speech/d\u202f1.WAV"}
    assert found["speech/a.wav"].segments == ((0.0, 1.0, False), (1.0, 2.0, True))
    assert "left out" in capsys.readouterr().out


def test_common_voice_with_odd_sentences(tmp_path, capsys):
    trees.write(tmp_path / "de" / "clips" / "a.mp3", trees.sound("speech"))
    rows = ["client_id\tpath\tsentence", "x\ta.mp3\tone\u2028two" + "z" * 200_000]
    rows.append("x\tb.mp3\tgone")
    (tmp_path / "de" / "train.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    source = SourceSettings(corpus="common_voice", folder=tmp_path)
    found = list(get_corpus("common_voice").entries(tmp_path, source, 42))
    assert [entry.path for entry in found] == ["de/clips/a.mp3"]
    assert "left out: 1 clips" in capsys.readouterr().out


def test_old_tables_of_common_voice_name_clips_without_a_suffix(tmp_path, capsys):
    trees.write(tmp_path / "de" / "clips" / "a.mp3", trees.sound("speech"))
    (tmp_path / "de" / "train.tsv").write_text("client_id\tpath\nx\ta\nx\tgone\n")
    source = SourceSettings(corpus="common_voice", folder=tmp_path)
    found = list(get_corpus("common_voice").entries(tmp_path, source, 42))
    assert [entry.path for entry in found] == ["de/clips/a.mp3"]
    assert "left out: 1 clips" in capsys.readouterr().out


def test_speakers_of_digits_stay_apart(tmp_path):
    sound = partial(trees.sound, "speech")
    recordings = [
        Recording(str(n), "speech", "speech", "", speaker, "", "training", partial(sound, n))
        for n, speaker in enumerate(("007", "7"))
    ]
    AudioStore.build(tmp_path, recordings, total=2)
    assert AudioStore(tmp_path).recordings["speaker"].tolist() == ["007", "7"]


def test_an_index_goes_on_and_reads_again_what_has_changed(corpora, tmp_path, monkeypatch):
    folder, cache = corpora / "musan", tmp_path / "index.jsonl"
    paths = find_files(folder)
    whole = index_files(folder, paths, cache)
    assert whole["problem"].eq("").all() and set(whole["seconds"]) == {4.0, 5.0}
    content = cache.read_bytes()
    cache.write_bytes(content[: len(content) // 2])  # as a stopped process leaves it
    read = []
    plain = index.read_header
    monkeypatch.setattr(index, "read_header", lambda path: read.append(path) or plain(path))
    assert index_files(folder, paths, cache).equals(whole) and cache.read_bytes() == content
    assert 0 < len(read) < len(paths)


def test_heads_say_what_decoding_finds(corpora):
    for name in ("folder", "mls", "voxceleb", "common_voice", "freesound"):
        for path in find_files(corpora / name):
            header, found = read_header(corpora / name / path), decode(corpora / name / path)
            assert header.seconds == pytest.approx(len(found) / 16000, abs=0.1), path


def test_help_lists_every_corpus(corpora):
    code = "from atomicvad.cli.main import main; main()"
    command = [sys.executable, "-c", code, "data", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    for name in NAMED:
        about = get_corpus(name).ABOUT
        for word in (name, about.title, about.license, about.layout):
            assert word in result.stdout
    assert re.search(r"musan: MUSAN.*present +\d+ files", result.stdout, re.DOTALL)
