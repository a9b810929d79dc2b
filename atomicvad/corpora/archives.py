"""Safe unpacking of untrusted archives: completely or not at all, and within limits."""

import bz2
import errno
import gzip
import io
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from tqdm.auto import tqdm

from atomicvad.errors import AtomicVADError

MAGIC = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
BROKEN = (
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error),
    *(EOFError, OSError, ValueError, NotImplementedError, RuntimeError),
)


@dataclass(frozen=True)
class Limits:
    """Limits of an archive: unpacked bytes, number of files, and unpacked over packed bytes."""

    size: int = 200_000_000_000
    files: int = 2_000_000
    ratio: float = 200.0
    slack: int = 1_000_000  # bytes allowed beyond the ratio, for small archives


class _Metered(io.RawIOBase):
    """A decompressing stream that stops at ``limit`` bytes, whatever a tar header states."""

    def __init__(self, stream: IO[bytes], limit: float, path: Path):
        self.stream, self.limit, self.path, self.position = stream, limit, path, 0

    def readable(self) -> bool:
        """Always true."""
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > 1 << 26:  # no tar header is that long
            raise AtomicVADError(f"{self.path}: refused: a header of {size} bytes")
        data = self.stream.read(size)
        self.position += len(data)
        if self.position > self.limit:
            raise AtomicVADError(f"{self.path}: refused: it unpacks to over {self.limit:.0f} bytes")
        return data


def extract(archive: Path, folder: Path, limits: Limits = Limits()) -> None:
    """Unpack a tar (plain, gz, bz2, xz) or zip archive as the new folder ``folder``.

    The folder appears complete or not at all. Only regular files and folders are unpacked.

    Raises:
        AtomicVADError: no archive or a damaged one; a member that is a link or a device, or whose
            name is absolute or contains ``..``; more bytes or files than ``limits`` allow.
    """
    archive, folder = Path(archive), Path(folder)
    partial = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        reader = _zip_members if zipfile.is_zipfile(archive) else _tar_members
        count = 0
        with tqdm(desc=f"unpacking {archive.name}", unit="B", unit_scale=True) as bar:
            for name, content in reader(archive, limits):
                count += 1
                if count > limits.files:
                    raise AtomicVADError(f"{archive}: refused: over {limits.files} files in it")
                target = partial / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "wb") as file:
                    shutil.copyfileobj(content, file, 1 << 18)
                bar.update(target.stat().st_size)
        if not count:
            raise AtomicVADError(f"{archive}: an archive without files")
        partial.replace(folder)
    except BROKEN as error:
        full = getattr(error, "errno", None) == errno.ENOSPC
        if isinstance(error, AtomicVADError) or full:
            raise
        raise AtomicVADError(f"{archive}: not a whole archive ({error})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _safe(name: str, archive: Path) -> str:
    """A member's name, checked to stay within the folder."""
    path = PurePosixPath(name)
    unsafe = path.is_absolute() or ".." in path.parts or any(c in name for c in "\\:\0")
    if unsafe or len(name) > 1000:
        raise AtomicVADError(f"{archive}: refused: a member named {name[:100]!r}")
    return str(path)


def _tar_members(archive: Path, limits: Limits) -> Iterator[tuple[str, IO[bytes]]]:
    with open(archive, "rb") as raw:
        head = raw.read(6)
        raw.seek(0)
        opener: Any = next((f for magic, f in MAGIC.items() if head.startswith(magic)), None)
        by_ratio = archive.stat().st_size * limits.ratio + limits.slack
        limit = min(limits.size, by_ratio) + limits.slack
        stream = _Metered(opener(raw) if opener else raw, limit, archive)
        with stream, tarfile.open(fileobj=stream, mode="r|") as members:
            for member in members:
                # The standard library's filter as well; the checks here are stricter.
                name = _safe(member.name, archive)
                tarfile.data_filter(member, str(archive.parent))
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse() or name == ".":
                    raise AtomicVADError(
                        f"{archive}: refused: {member.name[:100]!r} is no plain file"
                    )
                if member.size > limit:
                    raise AtomicVADError(
                        f"{archive}: refused: {member.name[:100]!r} has {member.size} bytes"
                    )
                if content := members.extractfile(member):
                    yield name, content


def _zip_members(archive: Path, limits: Limits) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as members:
        entries = members.infolist()
        total, packed = sum(e.file_size for e in entries), archive.stat().st_size
        if total > min(limits.size, packed * limits.ratio + limits.slack):
            raise AtomicVADError(f"{archive}: refused: {packed} bytes that unpack to {total} bytes")
        for entry in entries:
            name = _safe(entry.filename, archive)
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise AtomicVADError(
                    f"{archive}: refused: {entry.filename[:100]!r} is no plain file"
                )
            if not entry.is_dir():
                with members.open(entry) as content:
                    yield name, content
