"""Debian packages as a source of recordings: fetched without root, checked, unpacked in Python."""

import gzip
import hashlib
import io
import lzma
import os
import re
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pooch
import zstandard
from tqdm.auto import tqdm

from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing

RELEASE = "bookworm"  # holds the versions behind the committed numbers
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def cache_folder() -> Path:
    """Where downloads are kept: ``$ATOMICVAD_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("ATOMICVAD_CACHE") or pooch.os_cache("atomicvad")) / "debian"


def fetch(packages: dict[str, str]) -> dict[str, Path]:
    """The ``.deb`` file of every package, fetched unless it is in the cache.

    With ``$ATOMICVAD_DEBS`` set, files are taken from that folder and nothing is fetched. Another
    version than the expected one is used with a warning.

    Args:
        packages: name -> SHA-256 of the version that the committed numbers were made with.

    Raises:
        AtomicVADError: a package cannot be found or fetched, or the disk is full.
    """
    local = os.environ.get("ATOMICVAD_DEBS")
    if local:
        paths = {name: _in_folder(Path(local), name) for name in packages}
        digests = {name: _sha256(path) for name, path in paths.items()}
    else:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        digests = {name: _cached(folder, name) for name in packages}
        missing = {name: packages[name] for name, digest in digests.items() if not digest}
        if missing:
            digests |= _download(missing, folder)
        paths = {name: _in_folder(folder, name) for name in packages}
    for name, expected in packages.items():
        if digests[name] != expected:
            tqdm.write(
                f"{paths[name].name} is not the version that the committed numbers were made "
                "with; yours may differ"
            )
    return paths


def _in_folder(folder: Path, name: str) -> Path:
    paths = sorted(folder.glob(f"{name}_*.deb"))
    if not paths:
        raise AtomicVADError(f"{folder}: expected a package {name}_*.deb, found none")
    return paths[-1]


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cached(folder: Path, name: str) -> str:
    """The digest of a package in the cache, or an empty string.

    A file that is incomplete or has changed since it was fetched is deleted.
    """
    kept = ""
    for path in folder.glob(f"{name}_*.deb"):
        note, digest = path.with_suffix(".sha256"), _sha256(path)
        if note.is_file() and note.read_text().strip() == digest:
            kept = digest
            continue
        tqdm.write(f"{path.name} in the cache is damaged: fetched again")
        path.unlink()
    return kept


@dataclass(frozen=True)
class Offer:
    """A version of a package that apt can fetch."""

    version: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Catalogue:
    """Package lists of apt: the options that select them, and the versions of each package."""

    options: list[str]
    offers: dict[str, list[Offer]]

    def choose(self, packages: dict[str, str]) -> dict[str, Offer]:
        """The expected version of each package that has one, else its newest version."""
        return {
            name: next((o for o in self.offers[name] if o.sha256 == digest), self.offers[name][0])
            for name, digest in packages.items()
            if name in self.offers
        }


def _apt(arguments: list[str], folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        arguments,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"LC_ALL": "C"},
    )


def _catalogue(options: list[str], names: Iterable[str], folder: Path) -> Catalogue:
    listing, _ = _apt(["apt-cache", *options, "show", *names], folder).communicate()
    offers: dict[str, list[Offer]] = {}
    for stanza in listing.split("\n\n"):
        fields = dict(re.findall(r"^(\w+): (.*)$", stanza, re.MULTILINE))
        if "SHA256" in fields:
            offer = Offer(fields["Version"], int(fields["Size"]), fields["SHA256"])
            offers.setdefault(fields["Package"], []).append(offer)
    return Catalogue(options, offers)


def _own_lists(folder: Path, name: str, extra: list[str]) -> list[str]:
    """Fetch package lists into the cache (needs no root); return the options that select them."""
    lists = folder / "lists" / name
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    settings = {
        "Dir::State::lists": lists,
        "Dir::Cache": folder,
        "Acquire::Languages": "none",
        "APT::Update::Error-Mode": "any",
    }
    options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")] + extra
    if os.geteuid() == 0:  # apt's own user cannot write to root's cache
        options += ["-o", "APT::Sandbox::User=root"]
    tqdm.write("fetching the list of packages")
    process = _apt(["apt-get", *options, "update"], folder)
    _, errors = process.communicate()
    if process.returncode:
        raise AtomicVADError(f"the list of packages: {_reason(errors)}")
    return options


def _mirror(folder: Path) -> str:
    """The address of this system's Debian mirror; empty on other systems."""
    form = "$(COMPONENT) $(SITE)"
    listing, _ = _apt(["apt-get", "indextargets", "--format", form], folder).communicate()
    sites = re.findall(r"^main (\S+/debian)/?$", listing, re.MULTILINE)
    return sites[0] if sites and KEYRING.exists() else ""


def _release_lists(folder: Path) -> list[str] | None:
    site = _mirror(folder)
    if not site:
        return None
    sources = folder / f"{RELEASE}.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {site} {RELEASE} main\n")
    extra = ["-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=-"]
    return _own_lists(folder, RELEASE, extra)


def _best_catalogue(packages: dict[str, str], folder: Path) -> Catalogue:
    """The first catalogue with the expected version of every package, else with any version."""
    complete, lacking, problem = None, sorted(packages), None
    sources: tuple[Callable[[], list[str] | None], ...] = (
        lambda: [],  # the system's own lists, as they are
        lambda: _release_lists(folder),
        lambda: _own_lists(folder, "system", []),
    )
    for lists in sources:
        try:
            options = lists()
        except AtomicVADError as error:
            options, problem = None, error
        if options is None:
            continue
        catalogue = _catalogue(options, packages, folder)
        offers = catalogue.choose(packages)
        if {name: offer.sha256 for name, offer in offers.items()} == packages:
            return catalogue
        if offers.keys() == packages.keys():
            complete = complete or catalogue
        lacking = [name for name in lacking if name not in offers]
    if complete:
        return complete
    raise problem or AtomicVADError(
        f"package {', '.join(lacking)}: this system's package archive has no such package (any "
        "more); get the .deb files elsewhere and set ATOMICVAD_DEBS to their folder"
    )


def _download(packages: dict[str, str], folder: Path) -> dict[str, str]:
    """Fetch packages into ``folder``, one after another; return their digests."""
    if not shutil.which("apt-get"):
        raise AtomicVADError(
            "the recordings come as Debian packages and this system has no apt-get: fetch the "
            ".deb files elsewhere and set ATOMICVAD_DEBS to their folder (REPRODUCING.md)"
        )
    catalogue = _best_catalogue(packages, folder)
    offers = catalogue.choose(packages)
    needed, free = sum(o.size for o in offers.values()), shutil.disk_usage(folder).free
    if free < needed:
        raise AtomicVADError(
            f"{folder}: the disk is full: {needed / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free"
        )
    digests = {}
    with tqdm(total=needed, unit="B", unit_scale=True, desc="recordings") as progress:
        for name, offer in offers.items():
            progress.set_postfix_str(name)
            digests[name] = _download_one(name, offer, catalogue.options, folder, progress)
    return digests


def _download_one(name: str, offer: Offer, options: list[str], folder: Path, progress: tqdm) -> str:
    partial, start = folder / "partial", progress.n
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    process = _apt(["apt-get", *options, "download", f"{name}={offer.version}"], partial)
    while process.returncode is None:
        try:
            _, errors = process.communicate(timeout=0.3)
        except subprocess.TimeoutExpired:
            done = sum(path.stat().st_size for path in partial.glob("*"))
            progress.update(start + min(done, offer.size) - progress.n)
    fetched = list(partial.glob("*.deb"))
    if process.returncode or not fetched:
        raise AtomicVADError(f"package {name}: {_reason(errors)}")
    digest, target = _sha256(fetched[0]), folder / fetched[0].name
    if digest != offer.sha256:
        raise AtomicVADError(f"package {name}: damaged in transit; run the command again")
    fetched[0].replace(target)
    with replacing(target.with_suffix(".sha256")) as note:
        note.write_text(digest + "\n")
    shutil.rmtree(partial)
    progress.update(start + offer.size - progress.n)
    return digest


def _reason(stderr: str) -> str:
    if "No space left" in stderr:
        return "the disk is full"
    error = re.search(r"^E: (.*)$", stderr, re.MULTILINE)
    return f"cannot be fetched: is there a network? {error[1] if error else ''}"


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every regular file in a ``.deb`` file.

    A ``.deb`` is an ``ar`` archive (deb(5)) with a compressed tar file in it. Nothing is written
    to disk, so names in the archive cannot do harm.

    Raises:
        AtomicVADError: not a Debian package, or an incomplete one.
    """
    broken = (tarfile.TarError, lzma.LZMAError, zlib.error, zstandard.ZstdError)
    try:
        with tarfile.open(fileobj=io.BytesIO(_data_tar(path)), mode="r:") as archive:
            for member in archive:
                if content := archive.extractfile(member) if member.isfile() else None:
                    yield member.name.removeprefix("./"), content.read()
    except (*broken, EOFError, OSError, ValueError) as error:
        if isinstance(error, AtomicVADError):
            raise
        raise AtomicVADError(f"{path}: not a whole Debian package ({error})") from None


def _data_tar(path: Path) -> bytes:
    """The tar file in a package, decompressed in one piece so that all checksums are verified."""
    with open(path, "rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise AtomicVADError(f"{path}: not a Debian package")
        while header := file.read(60):
            name, size = header[:16].decode("ascii", "replace").strip(" /"), int(header[48:58])
            if name.startswith("data.tar"):
                return _decompress(name, file.read(size))
            file.seek(size + size % 2, os.SEEK_CUR)
    raise AtomicVADError(f"{path}: a Debian package without data")


def _decompress(name: str, data: bytes) -> bytes:
    if name.endswith(".zst"):
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            return reader.read()
    unpack = {".xz": lzma.decompress, ".gz": gzip.decompress}.get(Path(name).suffix, bytes)
    return unpack(data)
