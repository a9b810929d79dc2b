"""A bad manifest line is named; a good manifest goes out and comes back."""

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomicvad.data.manifest import ManifestError, read_manifest, read_split, write_manifest

GOOD = {"audio_filepath": "a.wav", "offset": 0.2, "duration": 0.63, "label": "speech"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[1]", "expected a JSON object, got list"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "offset"}), "'offset' is missing"),
        (json.dumps(GOOD | {"offset": -0.1}), "offset: expected 0 s or more, got -0.1"),
        (json.dumps(GOOD | {"duration": 0}), "duration: expected more than 0 s"),
        (json.dumps(GOOD | {"duration": True}), "expected a finite number, got True"),
        (json.dumps(GOOD | {"offset": float("nan")}), "expected a finite number, got nan"),
        (json.dumps(GOOD | {"label": "voice"}), "expected background or speech, got 'voice'"),
        (json.dumps(GOOD | {"audio_filepath": 3}), "audio_filepath: expected text, got 3"),
        (json.dumps(GOOD | {"audio_filepath": "a\0b"}), "a name without control characters"),
        (json.dumps(GOOD | {"audio_filepath": "\ud800"}), "a name without control characters"),
        (json.dumps(GOOD | {"offset": 1e305}), "times of at most"),
        (json.dumps(GOOD | {"speaker": ["a"]}), "speaker: expected text, got ['a']"),
        (json.dumps(GOOD | {"source": {"a": 1}}), "source: expected text"),
    ],
)
def test_a_bad_line_is_named(line, said, tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(GOOD) + "\n" + line + "\n")
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{path}:2: ") and said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_empty_manifests(tmp_path):
    with pytest.raises(ManifestError, match="no such manifest"):
        read_manifest(tmp_path / "none.json")
    (tmp_path / "empty.json").write_text("\n")
    with pytest.raises(ManifestError, match="is empty"):
        read_manifest(tmp_path / "empty.json")


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "manifest.json"
    path.write_bytes(content)
    try:
        read_manifest(path)
    except ManifestError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)


def test_what_is_written_is_read(tmp_path):
    frame = pd.DataFrame([GOOD, GOOD | {"offset": 1.25}])
    write_manifest(frame, tmp_path / "manifest.json")
    again = read_manifest(tmp_path / "manifest.json").drop(columns="line")
    pd.testing.assert_frame_equal(again, frame)


def rewrite(folder, tmp_path, label, change):
    """A copy of the training manifests in which one class' first line is changed."""
    for name in ("speech", "background"):
        path = folder / f"balanced_{name}_training_manifest.json"
        lines = path.read_text().splitlines()
        if name == label:
            lines[0] = json.dumps(json.loads(lines[0]) | change)
        (tmp_path / path.name).write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"offset": 1e4}, "past the end of"),
        ({"audio_filepath": "../secret.wav"}, "no recording '../secret.wav'"),
        ({"label": "background"}, "label: expected speech, got 'background'"),
    ],
)
def test_a_window_must_lie_within_its_recording(change, said, tiny, store, tmp_path):
    rewrite(tiny.data_folder, tmp_path, "speech", change)
    with pytest.raises(ManifestError) as caught:
        read_split(tmp_path, "training", store)
    assert "speech_training_manifest.json:1: " in str(caught.value) and said in str(caught.value)
