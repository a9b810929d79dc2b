"""Debian packages as a source of recordings: fetched without root, checked, unpacked in Python."""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pooch
import zstandard
from tqdm.auto import tqdm

from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing


def cache_folder() -> Path:
    """Where downloads are kept: ``$ATOMICVAD_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("ATOMICVAD_CACHE") or pooch.os_cache("atomicvad")) / "debian"


def fetch(packages: dict[str, str]) -> dict[str, Path]:
    """The ``.deb`` file of every package, fetched where it is not there yet.

    Args:
        packages: name -> SHA-256 of the version that the committed numbers were made with.

    With ``$ATOMICVAD_DEBS`` set, files are taken from that folder and nothing is fetched.

    Raises:
        AtomicVADError: a package is nowhere to be had, or the disk is full.
    """
    given = os.environ.get("ATOMICVAD_DEBS")
    if given:
        return {name: _in_folder(Path(given), name) for name in packages}
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in packages if not _cached(folder, name)]
    if missing:
        _download(missing, folder)
    found = {name: _in_folder(folder, name) for name in packages}
    for name, expected in packages.items():
        if _sha256(found[name]) != expected:
            tqdm.write(
                f"{found[name].name} is not the version that the committed numbers were made "
                "with; yours may differ"
            )
    return found


def _in_folder(folder: Path, name: str) -> Path:
    found = sorted(folder.glob(f"{name}_*.deb"))
    if not found:
        raise AtomicVADError(f"{folder}: expected a package {name}_*.deb, found none")
    return found[-1]


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cached(folder: Path, name: str) -> bool:
    """Whether the package is there as it was fetched; a file that has changed is thrown away."""
    for path in folder.glob(f"{name}_*.deb"):
        note = path.with_suffix(".sha256")
        if note.is_file() and note.read_text().strip() == _sha256(path):
            return True
        tqdm.write(f"{path.name} in the cache is damaged: fetched again")
        path.unlink()
    return False


def _apt(arguments: list[str], folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        arguments,
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"LC_ALL": "C"},
        check=False,
    )


def _package_lists(names: list[str], folder: Path) -> list[str]:
    """Options with which apt knows the packages: the system's lists, or lists of our own."""
    known = _apt(["apt-cache", "show", "--no-all-versions", *names], folder)
    if known.returncode == 0:
        return []
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={folder}"]
    tqdm.write("asking for the list of packages")
    _apt(["apt-get", *options, "update"], folder)
    return options


def _sizes(names: list[str], options: list[str], folder: Path) -> dict[str, int]:
    shown = _apt(["apt-cache", *options, "show", "--no-all-versions", *names], folder).stdout
    sizes, name = {}, ""
    for line in shown.splitlines():
        key, _, value = line.partition(": ")
        if key == "Package":
            name = value
        elif key == "Size":
            sizes[name] = int(value)
    return sizes


def _download(names: list[str], folder: Path) -> None:
    if not shutil.which("apt-get"):
        raise AtomicVADError(
            "the recordings come as Debian packages and this system has no apt-get: fetch the "
            ".deb files elsewhere and set ATOMICVAD_DEBS to their folder (REPRODUCING.md)"
        )
    options = _package_lists(names, folder)
    sizes = _sizes(names, options, folder)
    needed = sum(sizes.values())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise AtomicVADError(
            f"{folder}: the disk is full: {needed / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free"
        )
    partial = folder / "partial"
    with tqdm(total=needed, unit="B", unit_scale=True, desc="recordings") as progress:
        for name in names:
            progress.set_postfix_str(name)
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            result = _apt(["apt-get", *options, "download", name], partial)
            fetched = list(partial.glob("*.deb"))
            if result.returncode or not fetched:
                raise AtomicVADError(f"package {name}: {_reason(result.stderr)}")
            target = folder / fetched[0].name
            digest = _sha256(fetched[0])
            os.replace(fetched[0], target)
            with replacing(target.with_suffix(".sha256")) as note:
                note.write_text(digest + "\n")
            progress.update(sizes.get(name, 0))
    shutil.rmtree(partial, ignore_errors=True)


def _reason(stderr: str) -> str:
    if "Unable to locate package" in stderr or "has no installation candidate" in stderr:
        return "this system's package archive has no such package (any more)"
    if "No space left" in stderr:
        return "the disk is full"
    errors = [line.removeprefix("E: ") for line in stderr.splitlines() if line.startswith("E: ")]
    return "cannot be fetched: is there a network? " + (errors[0] if errors else "")


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every regular file in a ``.deb`` file.

    A ``.deb`` is an ``ar`` archive (deb(5)) with a compressed tar file in it. Nothing is written
    to the disk, so no name in the archive can point anywhere.

    Raises:
        AtomicVADError: the file is no whole Debian package.
    """
    try:
        with open(path, "rb") as file, _data_tar(file, path) as archive:
            for member in archive:
                if member.isfile():
                    yield member.name.removeprefix("./"), archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, zstandard.ZstdError, OSError, ValueError) as error:
        if isinstance(error, AtomicVADError):
            raise
        raise AtomicVADError(f"{path}: not a whole Debian package ({error})") from None


def _data_tar(file, path: Path) -> tarfile.TarFile:
    if file.read(8) != b"!<arch>\n":
        raise AtomicVADError(f"{path}: not a Debian package")
    while header := file.read(60):
        name, size = header[:16].decode("ascii", "replace").strip(" /"), int(header[48:58])
        if name.startswith("data.tar"):
            if name.endswith(".zst"):
                stream = zstandard.ZstdDecompressor().stream_reader(file)
                return tarfile.open(fileobj=stream, mode="r|")
            return tarfile.open(fileobj=io.BytesIO(file.read(size)), mode="r:*")
        file.seek(size + size % 2, os.SEEK_CUR)
    raise AtomicVADError(f"{path}: a Debian package without data")
