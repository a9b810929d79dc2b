"""Packages are fetched once, checked at every use, unpacked whole or refused in one line; a corpus
keeps speakers and sources on one side of the split."""

import gzip
import hashlib
import io
import lzma
import os
import struct
import tarfile

import numpy as np
import pytest
import soundfile
import zstandard

from atomicvad.corpora import debian, generated, generated_voices, open_packages, open_readers
from atomicvad.corpora.registry import get_corpus
from atomicvad.errors import AtomicVADError

COMPRESSORS = {
    "xz": lzma.compress,
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def deb(files, compression="xz"):
    """The bytes of a Debian package with ``files`` (name -> content)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("./link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": b"odd",
        f"data.tar.{compression}": COMPRESSORS[compression](data.getvalue()),
    }
    package = b"!<arch>\n"
    for name, content in parts.items():
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        package += head.encode() + content + b"\n" * (len(content) % 2)
    return package


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_every_member_of_a_package(compression, tmp_path):
    files = {"usr/share/a.ogg": b"one" * 1000, "usr/share/b.ogg": b"", "etc/c": b"x"}
    path = tmp_path / "a_1_all.deb"
    path.write_bytes(deb(files, compression))
    assert dict(debian.members(path)) == files


@pytest.mark.parametrize("compression", COMPRESSORS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.7, 0.99])
def test_a_truncated_package_is_refused_in_one_line(compression, share, tmp_path):
    content = np.random.default_rng(0).bytes(50000)
    whole = deb({"usr/share/a.ogg": content, "usr/share/b.ogg": content[::-1]}, compression)
    path = tmp_path / "a_1_all.deb"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(AtomicVADError) as caught:
        list(debian.members(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("compression", ["xz", "gz"])
def test_a_damaged_package_is_refused(compression, tmp_path):
    whole = bytearray(deb({"a.ogg": np.random.default_rng(0).bytes(50000)}, compression))
    whole[25000:25010] = bytes(10)
    path = tmp_path / "a_1_all.deb"
    path.write_bytes(whole)
    with pytest.raises(AtomicVADError, match="not a whole Debian package"):
        list(debian.members(path))


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An apt of our own over a folder of packages: ``archive(name, content)`` adds one.

    ``archive.log`` lists what has been downloaded.
    """
    shelf, tools = tmp_path / "shelf", tmp_path / "tools"
    shelf.mkdir(), tools.mkdir()
    log = tmp_path / "log"
    log.touch()
    # The last argument of a download is the package, with or without its version.
    (tools / "apt-get").write_text(
        f"""#!/bin/sh
case "$*" in
*download*) for last in "$@"; do :; done; name="${{last%%=*}}"
  [ -f {shelf}/"$name".deb ] || {{ echo "E: Unable to locate package $name" >&2; exit 100; }}
  [ -f {shelf}/problem ] && {{ cat {shelf}/problem >&2; exit 100; }}
  echo "$name" >> {log}; cp {shelf}/"$name".deb "$name"_1_all.deb ;;
esac
"""
    )
    (tools / "apt-cache").write_text(f"#!/bin/sh\ncat {shelf}/*.show 2>/dev/null\nexit 0\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("ATOMICVAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ATOMICVAD_DEBS", raising=False)

    def add(name, content):
        digest = hashlib.sha256(content).hexdigest()
        (shelf / f"{name}.deb").write_bytes(content)
        (shelf / f"{name}.show").write_text(
            f"Package: {name}\nVersion: 1\nSize: {len(content)}\nSHA256: {digest}\n\n"
        )
        return digest

    add.shelf, add.log = shelf, lambda: log.read_text().split()
    return add


def test_a_package_is_fetched_once(archive):
    wanted = {name: archive(name, deb({name: b"x"})) for name in ("one", "two")}
    found = debian.fetch(wanted)
    assert [path.name for path in found.values()] == ["one_1_all.deb", "two_1_all.deb"]
    assert debian.fetch(wanted) == found
    assert archive.log() == ["one", "two"]


def test_a_fetch_goes_on_where_it_was_stopped(archive):
    wanted = {"one": archive("one", deb({"one": b"x"}))}
    debian.fetch(wanted)
    debian.fetch(wanted | {"two": archive("two", deb({"two": b"x"}))})
    assert archive.log() == ["one", "two"]


def test_a_damaged_cached_file_is_fetched_again(archive, capsys):
    wanted = {"one": archive("one", deb({"one": b"x"}))}
    path = debian.fetch(wanted)["one"]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    assert debian.fetch(wanted)["one"].read_bytes() == whole
    assert "damaged" in capsys.readouterr().out


def test_another_version_is_taken_with_a_warning(archive, capsys):
    archive("one", deb({"one": b"x"}))
    assert debian.fetch({"one": "0" * 64})["one"].is_file()
    assert "not the version" in capsys.readouterr().out


def test_a_package_that_is_no_longer_there_is_named(archive):
    wanted = {"one": archive("one", deb({"one": b"x"})), "gone": "0" * 64}
    with pytest.raises(AtomicVADError, match=r"package gone: .* no such package"):
        debian.fetch(wanted)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("E: Failed to fetch it: Could not resolve", "is there a network"),
        ("E: write (28: No space left on device)", "the disk is full"),
    ],
)
def test_a_failed_fetch_is_one_line_and_leaves_nothing(problem, said, archive):
    wanted = {"one": archive("one", deb({"one": b"x"}))}
    (archive.shelf / "problem").write_text(problem + "\n")
    with pytest.raises(AtomicVADError, match=said) as caught:
        debian.fetch(wanted)
    assert "package one" in str(caught.value) and "\n" not in str(caught.value)
    assert not list(debian.cache_folder().glob("*.deb"))


def test_no_network_for_the_lists_is_not_taken_for_a_missing_package(archive):
    """A fresh container knows no packages; without a network it must not blame the archive."""
    apt = archive.shelf.parent / "tools" / "apt-get"
    update = "*update*) echo 'E: Failed to fetch the lists' >&2; exit 100 ;;"
    apt.write_text(apt.read_text().replace('case "$*" in', f'case "$*" in\n{update}'))
    with pytest.raises(AtomicVADError, match="is there a network"):
        debian.fetch({"one": "0" * 64})


def test_a_system_without_apt_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ATOMICVAD_CACHE", str(tmp_path))
    monkeypatch.delenv("ATOMICVAD_DEBS", raising=False)
    with pytest.raises(AtomicVADError, match="ATOMICVAD_DEBS"):
        debian.fetch({"one": "0" * 64})


def test_packages_of_a_given_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ATOMICVAD_DEBS", str(tmp_path))
    content = deb({"a": b"x"})
    (tmp_path / "one_1_all.deb").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert debian.fetch({"one": digest}) == {"one": tmp_path / "one_1_all.deb"}
    with pytest.raises(AtomicVADError, match="two_"):
        debian.fetch({"one": digest, "two": digest})


def test_voices_of_the_queen():
    names = ["020001P1.SB", "1003SSSS.SB", "JOE00061.SB", "AND1.DOG", "BLANK000.SB"]
    voices = [f"voice {name}".encode() for name in names]
    offset = 15 + 21 * len(names)
    table, body = b"", b""
    for name, voice in zip(names, voices, strict=True):
        table += struct.pack(">12sxII", name.encode(), offset + len(body), len(voice))
        body += voice
    container = b"QTBLCEM10\0\0\0\0" + struct.pack(">H", len(names)) + table + body
    reader = open_readers.READERS["flight-of-the-amazon-queen"]
    found = {r.recording: r.load() for r in reader([("usr/share/queen.1c", container)])}
    assert list(found.values()) == [voices[0], voices[2]]
    with pytest.raises(AtomicVADError, match="QTBL"):
        list(reader([("usr/share/queen.1c", b"else" * 10)]))


def test_effects_in_one_file_are_told_apart():
    effects = [b"RIFF" + struct.pack("<I", 4 + n) + b"WAVE" + bytes(n) for n in (10, 20)]
    content = b"head" * 5 + b"name".join(effects)
    found = open_readers.READERS["openttd-opensfx"]([("usr/opensfx.cat", content)])
    assert [r.load.args[0] for r in found] == effects


def test_speech_of_a_language_is_on_one_side():
    stamps = "usr/share/tuxpaint/stamps"
    files = [(f"{stamps}/cat_desc_{code}.ogg", b"x") for code in ("fr", "da", "el", "lt")]
    files += [(f"{stamps}/cat.ogg", b"a cat"), (f"{stamps}/cat_desc.ogg", b"English")]
    files += [(f"{stamps}/animals/cat.ogg", b"meow"), (f"{stamps}/symbols/1.ogg", b"one")]
    found = list(open_readers.READERS["tuxpaint-stamps-default"](files))
    assert [r.recording for r in found if r.label == "background"] == [
        "tuxpaint-sounds/animals/cat.ogg"
    ]
    found = [r for r in found if r.label == "speech"]
    assert {r.language: r.split for r in found} == {
        "fr": "training",
        "da": "validation",
        "el": "testing",
    }


def test_prompts_without_voice_are_left_out():
    sounds = "usr/share/asterisk/sounds/en_US_f_Allison"
    names = ["digits/1", "silence/1", "beep", "beeperr", "confbridge-join", "tt-monkeys", "vm-no"]
    files = [(f"{sounds}/{name}.g722", b"x") for name in names]
    found = list(open_readers.READERS["asterisk-core-sounds-en-g722"](files))
    kept = [r.recording.rsplit("Allison/")[-1] for r in found]
    assert kept == ["digits/1.g722", "vm-no.g722"]


def test_the_english_and_the_spanish_prompts_are_one_speaker():
    def speakers(code):
        files = [(f"usr/share/asterisk/sounds/{code}/digits/1.g722", b"x")]
        reader = open_readers.READERS[f"asterisk-core-sounds-{code}-g722"]
        return {r.speaker for r in reader(files)}

    assert speakers("en") == speakers("es") != speakers("fr")


def test_music_is_split_by_piece():
    """Numbers tell pieces apart, the name of a version does not; takes of a sound stay together."""
    sides = [open_readers.split_of_sound(f"track{n}.ogg", music=True) for n in range(60)]
    assert 4 <= sides.count("validation") <= 20
    for n in range(60):
        version = open_readers.split_of_sound(f"track{n}_enhanced.ogg", music=True)
        assert version == sides[n]
    assert len({open_readers.split_of_sound(f"door-{n}.wav") for n in range(60)}) == 1


def test_a_short_sound_is_repeated_until_it_has_windows():
    buffer = io.BytesIO()
    tone = np.sin(np.arange(3000) / 5).astype(np.float32) * 0.1
    soundfile.write(buffer, tone, 16000, format="WAV", subtype="FLOAT")
    reader = open_readers.READERS["minetest-data"]
    [recording] = reader([("usr/share/sounds/step.wav", buffer.getvalue())])
    waveform = recording.load()
    assert len(waveform) == round(1.26 * 16000)
    np.testing.assert_allclose(waveform[3000:6000], tone, atol=1e-6)


def test_every_package_has_a_reader_and_a_checksum():
    assert open_packages.PACKAGES.keys() == open_readers.READERS.keys()
    assert all(len(digest) == 64 for digest in open_packages.PACKAGES.values())


@pytest.mark.parametrize("sound", ["speech", "chords", *generated.NOISES])
def test_generated_audio_is_deterministic_and_sane(sound):
    first, again = (generated.generate(sound, (1, 2), seconds=1.5) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (24000,) and first.dtype == np.float32
    assert np.isfinite(first).all() and np.abs(first).max() == pytest.approx(0.3)


@pytest.mark.parametrize("sound", generated_voices.VOICES)
def test_generated_voices_are_voiced_and_audible(sound):
    first, again = (generated_voices.generate_voice(sound, (1, 2), seconds=4) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (64000,) and first.dtype == np.float32 and np.abs(first).max() < 0.4
    # Voiced: in loud places the waveform resembles itself one period later.
    pieces = first[: 64000 // 800 * 800].reshape(-1, 800)
    loud = pieces[np.argsort(np.square(pieces).mean(axis=1))[-20:]]
    spectra = np.fft.rfft(loud - loud.mean(axis=1, keepdims=True), 2048)
    same = np.fft.irfft(np.square(np.abs(spectra)))[:, :400]
    assert np.median((same[:, 25:].max(axis=1)) / same[:, 0]) > 0.4


def test_generated_splits_are_disjoint_in_speakers_and_sources(store):
    table = store.recordings
    assert (table.groupby("source")["split"].nunique() == 1).all()
    spoken = table[table["speaker"] != ""]
    assert (spoken.groupby("speaker")["split"].nunique() == 1).all()


def test_an_unknown_corpus_is_named():
    with pytest.raises(AtomicVADError, match="'opne'"):
        get_corpus("opne")
