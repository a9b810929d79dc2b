"""Packages are checked and unpacked in memory; generated audio is the same every time."""

import io
import lzma
import tarfile

import numpy as np
import pytest
import zstandard

from atomicvad.data.corpora import debian, generated, get_corpus
from atomicvad.errors import AtomicVADError


def ar_member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) % 2)


def deb(files: dict[str, bytes], suffix: str) -> bytes:
    """A Debian package with ``files``, packed as xz or zst."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("./link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    pack = lzma.compress if suffix == "xz" else zstandard.ZstdCompressor().compress
    return (
        b"!<arch>\n"
        + ar_member("debian-binary", b"2.0\n")
        + ar_member("control.tar.xz", b"odd")
        + ar_member(f"data.tar.{suffix}", pack(buffer.getvalue()))
    )


@pytest.mark.parametrize("suffix", ["xz", "zst"])
def test_a_package_is_unpacked(suffix, tmp_path):
    path = tmp_path / "sound_1_all.deb"
    path.write_bytes(deb({"./usr/a.ogg": b"abc", "./usr/b.ogg": b"d"}, suffix))
    assert dict(debian.members(path)) == {"usr/a.ogg": b"abc", "usr/b.ogg": b"d"}


@pytest.mark.parametrize("content", [b"", b"no package", deb({"./a": b"x" * 999}, "xz")[:-60]])
def test_a_broken_package_is_named(content, tmp_path):
    path = tmp_path / "sound_1_all.deb"
    path.write_bytes(content)
    with pytest.raises(AtomicVADError) as caught:
        list(debian.members(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_without_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ATOMICVAD_DEBS", str(tmp_path))
    with pytest.raises(AtomicVADError, match=r"expected a package sound_\*\.deb"):
        debian.fetch({"sound": "0" * 64})


APT = """#!/bin/sh
case "$*" in
  *show*) printf 'Package: sound\\nSize: 7\\n' ;;
  *download*) {download} ;;
esac
"""


@pytest.fixture
def apt(tmp_path, monkeypatch):
    """An apt of the test's own: ``apt(download)`` sets what ``apt-get download`` does."""
    tools, cache = tmp_path / "bin", tmp_path / "cache"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("ATOMICVAD_CACHE", str(cache))
    monkeypatch.delenv("ATOMICVAD_DEBS", raising=False)

    def set_up(download: str):
        for name in ("apt-get", "apt-cache"):
            (tools / name).write_text(APT.format(download=download))
            (tools / name).chmod(0o755)
        return cache / "debian"

    return set_up


def test_fetched_once_kept_and_fetched_again_when_damaged(apt, capsys):
    cache = apt("printf content > sound_1_all.deb; echo x >> ../count")
    path = debian.fetch({"sound": "0" * 64})["sound"]
    assert path.read_bytes() == b"content"
    debian.fetch({"sound": "0" * 64})
    assert (cache / "count").read_text() == "x\n"
    path.write_bytes(b"damage!")
    assert debian.fetch({"sound": "0" * 64})["sound"].read_bytes() == b"content"
    assert (cache / "count").read_text() == "x\nx\n"
    assert not (cache / "partial").exists()


@pytest.mark.parametrize(
    ("download", "said"),
    [
        ("echo 'E: Unable to locate package sound' >&2; exit 100", "no such package"),
        ("echo 'E: Failed to fetch it' >&2; exit 100", "is there a network?"),
        ("echo 'E: write (28: No space left on device)' >&2; exit 100", "disk is full"),
    ],
)
def test_a_failed_fetch_is_one_clear_line(download, said, apt):
    cache = apt(download)
    with pytest.raises(AtomicVADError) as caught:
        debian.fetch({"sound": "0" * 64})
    assert "package sound" in str(caught.value) and said in str(caught.value)
    assert "\n" not in str(caught.value) and not list(cache.glob("*.deb"))


def test_no_apt_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ATOMICVAD_CACHE", str(tmp_path))
    monkeypatch.delenv("ATOMICVAD_DEBS", raising=False)
    with pytest.raises(AtomicVADError, match="ATOMICVAD_DEBS"):
        debian.fetch({"sound": "0" * 64})


def test_an_unknown_corpus_is_named():
    with pytest.raises(AtomicVADError, match="'ava'"):
        get_corpus("ava")


@pytest.mark.parametrize("sound", ["speech", "chords", *generated.NOISES])
def test_generated_audio_is_deterministic_and_sane(sound):
    first, again = (generated.generate(sound, (1, 2), seconds=1.5) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (24000,) and first.dtype == np.float32
    assert np.isfinite(first).all() and np.abs(first).max() == pytest.approx(0.3)


def test_splits_are_disjoint_in_speakers_and_sources(store):
    table = store.recordings
    assert (table.groupby("source")["split"].nunique() == 1).all()
    spoken = table[table["speaker"] != ""]
    assert (spoken.groupby("speaker")["split"].nunique() == 1).all()
