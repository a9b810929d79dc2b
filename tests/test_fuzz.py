"""A thousand damaged manifests, label files and audio heads: an answer, or one line."""

import json
from functools import partial

import av
import pytest
import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atomicvad.audio.decode import decode, read_header
from atomicvad.corpora import common_voice, freesound, index
from atomicvad.corpora.clips import read_labels
from atomicvad.corpora.labels import read_segments
from atomicvad.corpora.recordings import Recording
from atomicvad.data.audit import audit
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError

THOUSAND = settings(
    max_examples=1000,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# A mutation: where (modulo the length), what is put there, and how many bytes it replaces.
MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 9999),
        st.binary(max_size=6) | st.sampled_from([b"\xff" * 4, b"-1", b"1e99", b"../", b'"']),
        st.integers(0, 12),
    ),
    min_size=1,
    max_size=4,
)


def mutate(content: bytes, mutations, within: int | None = None) -> bytes:
    """``content`` with pieces replaced; only its first ``within`` bytes, if given."""
    for place, piece, length in mutations:
        start = place % (min(len(content), within or len(content)) + 1)
        content = content[:start] + piece + content[start + length :]
    return content


def answers(read, path, content: bytes) -> None:
    """``read`` gives something or refuses in one line that names the file; no file is left."""
    path.write_bytes(content)
    try:
        read(path)
    except AtomicVADError as error:
        assert path.name in str(error) and "\n" not in str(error), error
    assert [p.name for p in path.parent.iterdir()] == [path.name]


MANIFEST = b"".join(
    b'{"audio_filepath": "a/b.wav", "offset": %d.25, "duration": 0.63, "label": "%s", '
    b'"speaker": "anna"}\n' % (n, (b"speech", b"background")[n % 2])
    for n in range(3)
)


@THOUSAND
@given(MUTATIONS)
def test_manifests(tmp_path_factory, mutations):
    path = tmp_path_factory.getbasetemp() / "fuzz-manifest" / "manifest.json"
    path.parent.mkdir(exist_ok=True)
    content = mutate(MANIFEST, mutations)
    answers(lambda path: audit([path]).to_text(), path, content)


LABELS = {
    "a.csv": (read_segments, b"start,end,label\n0.0,1.5,noise\n1.5,3.5,speech\n"),
    "a.rttm": (read_segments, b"SPEAKER a 1 1.500 2.000 <NA> <NA> anna <NA> <NA>\n" * 2),
    "a.txt": (read_segments, b"1.5\t3.5\tspeech\n\\\t100.0\t4000.0\n"),
    "a.TextGrid": (read_segments, trees.text_grid([(0, 1, "0"), (1, 2, "1")]).encode()),
    "b.TextGrid": (read_segments, trees.text_grid([(0, 1, "0"), (1, 2, "1")], True).encode()),
    "a.lab": (read_segments, b"0.0 1.5 noise\n1.5 3.5 speech\n"),
    "a.jsonl": (
        read_segments,
        b'{"audio_filepath": "a.wav", "offset": 1.25, "duration": 0.63, "label": "speech"}\n' * 2,
    ),
    "ava.csv": (read_labels, b"a-b_c,900.00,901.50,NO_SPEECH\na-b_c,901.50,903,CLEAN_SPEECH\n"),
    "train.tsv": (
        lambda path: list(common_voice._rows(path)),
        b"client_id\tpath\tsentence\nanna\ta.mp3\tone\nbert\tb.mp3\ttwo\n",
    ),
    "index.jsonl": (
        lambda path: index.index_files(path.parent, ["a/b.wav", "c.wav"], path),
        json.dumps(index.COLUMNS).encode()
        + b'\n["a/b.wav", 100, 1700000000, 1.5, 16000, 1, ""]\n["c.wav", 1, 2, 0.0, 0, 0, "bad"]\n',
    ),
    "freesound.lock.json": (
        freesound.read_lock,
        b'{"sounds": [{"id": 5, "name": "n", "username": "u", "license": "l", "url": "u",'
        b' "category": "Car", "preview": "p", "sha256": null}]}',
    ),
}


@THOUSAND
@given(st.sampled_from(sorted(LABELS)), MUTATIONS)
def test_label_files(tmp_path_factory, name, mutations):
    read, content = LABELS[name]
    path = tmp_path_factory.getbasetemp() / f"fuzz-{name}" / name
    path.parent.mkdir(exist_ok=True)
    answers(read, path, mutate(content, mutations))


FORMATS = ["wav", "flac", "ogg", "opus", "mp3", "m4a", "aiff", "g722"]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> dict[str, bytes]:
    """A tenth of a second in every format."""
    av.logging.set_level(av.logging.PANIC)
    folder, found = tmp_path_factory.mktemp("sounds"), {}
    for suffix in FORMATS:
        if suffix == "g722":
            found[suffix] = bytes(range(200)) * 4
        else:
            path = trees.write(folder / f"a.{suffix}", trees.sound("noise", 1, 0.1))
            found[suffix] = path.read_bytes()
    return found


@THOUSAND
@given(st.sampled_from(FORMATS), MUTATIONS)
def test_audio_heads(sounds, tmp_path_factory, suffix, mutations):
    path = tmp_path_factory.getbasetemp() / f"fuzz-{suffix}" / f"a.{suffix}"
    path.parent.mkdir(exist_ok=True)
    content = mutate(sounds[suffix], mutations, within=200)
    answers(read_header, path, content)
    answers(decode, path, content)


def test_a_store_of_damaged_recordings_is_whole(sounds, tmp_path):
    """What cannot be decoded is left out; the store is whole, and nothing else is there."""
    mutated = [sounds["wav"][:n] + b"\xff" + sounds["wav"][n + 1 :] for n in range(0, 60)]
    recordings = [
        Recording(f"{n}.wav", "speech", "speech", "", "", "", "training", partial(bytes, content))
        for n, content in enumerate(mutated)
    ]
    store = AudioStore.build(tmp_path, recordings, workers=1)
    assert 0 < len(store.recordings) <= len(mutated)
    assert {p.name for p in tmp_path.iterdir()} == {"recordings.csv", "samples.i16"}
