"""Archives are unpacked whole, or refused in one line with nothing left behind."""

import gzip
import io
import stat
import tarfile
import zipfile

import pytest

from atomicvad.corpora.archives import Limits, extract
from atomicvad.errors import AtomicVADError

FILES = {"cat/a.wav": b"one" * 1000, "./yes/b.wav": b"", "README.md": b"x"}
SMALL = Limits(size=100_000, files=10, ratio=50, slack=1000)


def tar_of(path, entries, mode="w:gz"):
    """A tar archive of entries: (name, content) or ready ``TarInfo`` objects."""
    with tarfile.open(path, mode) as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            member = tarfile.TarInfo(entry[0])
            member.size = len(entry[1])
            archive.addfile(member, io.BytesIO(entry[1]))
    return path


def zip_of(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def odd(name, kind, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_what_goes_in_comes_out(mode, tmp_path):
    path = tmp_path / "archive"
    if mode == "zip":
        zip_of(path, FILES.items())
    else:
        folder = odd("./", tarfile.DIRTYPE)
        folder.mode = 0o755
        tar_of(path, [folder, *FILES.items()], mode)
    extract(path, tmp_path / "out")
    for name, content in FILES.items():
        assert (tmp_path / "out" / name).read_bytes() == content
    assert {p.name for p in tmp_path.iterdir()} == {"archive", "out"}


HOSTILE = {
    "up": ("../evil.wav", b"x"),
    "up within": ("cat/../../evil.wav", b"x"),
    "absolute": ("/tmp/evil.wav", b"x"),
    "windows": ("C:\\evil.wav", b"x"),
    "backslash": ("..\\evil.wav", b"x"),
}
HOSTILE_TAR = HOSTILE | {
    "symbolic link": odd("link", tarfile.SYMTYPE, "/etc/passwd"),
    "link within": odd("link", tarfile.SYMTYPE, "cat/a.wav"),
    "hard link": odd("link", tarfile.LNKTYPE, "cat/a.wav"),
    "character device": odd("null", tarfile.CHRTYPE),
    "block device": odd("disk", tarfile.BLKTYPE),
    "pipe": odd("pipe", tarfile.FIFOTYPE),
}


def refused(path, tmp_path, said, limits=SMALL):
    before = {str(p) for p in tmp_path.rglob("*")}
    with pytest.raises(AtomicVADError, match=said) as caught:
        extract(path, tmp_path / "out", limits)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert {str(p) for p in tmp_path.rglob("*")} == before, "nothing may be left"


@pytest.mark.parametrize("name", HOSTILE_TAR)
def test_a_hostile_tar_is_refused(name, tmp_path):
    path = tar_of(tmp_path / "a.tar.gz", [("cat/a.wav", b"x"), HOSTILE_TAR[name]])
    refused(path, tmp_path, "refused|not a whole archive")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_zip_is_refused(name, tmp_path):
    refused(zip_of(tmp_path / "a.zip", [HOSTILE[name]]), tmp_path, "refused")


def test_a_link_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    refused(tmp_path / "a.zip", tmp_path, "no plain file")


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_bomb_is_refused(kind, tmp_path):
    content = [("bomb.wav", bytes(20_000_000))]
    path = tmp_path / f"a.{kind}"
    tar_of(path, content) if kind == "tar" else zip_of(path, content)
    refused(path, tmp_path, "refused", Limits(size=10**9, ratio=50, slack=1000))


def test_a_bomb_of_headers_is_refused(tmp_path):
    """A header that declares gigabytes must not be read into memory."""
    head = odd("x", b"x")
    head.size = 8**11 - 1
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(head.tobuf(tarfile.USTAR_FORMAT) + bytes(5_000_000))
    refused(tmp_path / "a.tar.gz", tmp_path, "refused|not a whole archive")


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_too_many_files_are_refused(kind, tmp_path):
    files = [(f"{number}.wav", b"x") for number in range(11)]
    path = tmp_path / f"a.{kind}"
    tar_of(path, files) if kind == "tar" else zip_of(path, files)
    refused(path, tmp_path, "over 10 files", Limits(files=10))


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_a_truncated_archive_is_refused(kind, share, tmp_path):
    import numpy as np

    path = tmp_path / f"a.{kind}"
    content = [(f"{n}.wav", np.random.default_rng(n).bytes(3000)) for n in range(5)]
    tar_of(path, content) if kind == "tar" else zip_of(path, content)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path, tmp_path, "archive")
