"""FreeSound: background sounds of 36 categories, through its API or from a folder.

FreeSound changes daily, so every search gives another set. The fetched set is therefore recorded in
``freesound.lock.json`` (id, licence, author, checksum); with that file others fetch the same
sounds, and missing ones are reported. The API key allows previews (Ogg Vorbis, about 192 kbit/s,
full length); originals would need a login of each user.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pandas as pd
from tqdm.auto import tqdm

from atomicvad.corpora.download import get_json, retrieve
from atomicvad.corpora.index import find_files
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import by_group, resolve_splits
from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing
from atomicvad.sections import SourceSettings

ABOUT = About(
    "FreeSound",
    "up to 17 GB (36 categories of up to 200 sounds of up to 100 s)",
    "each sound's own: CC0 or CC BY (ATTRIBUTION.csv)",
    "freesound.org/apiv2/apply gives a key (`atomicvad data fetch freesound`)",
    "CATEGORY/ID.ogg and freesound.lock.json; or any tree of recordings",
)
API = "https://freesound.org/apiv2"
HOSTS = ("freesound.org", "cdn.freesound.org")  # of previews
KEY = "FREESOUND_API_KEY"
LOCK, SEARCH = "freesound.lock.json", ".search.json"
PER_CATEGORY, PAGE = 200, 150
LONGEST = 100  # s; longer files are left out
REQUEST_PAUSE = 1.1  # s: the API allows 60 requests a minute
LARGEST = 50_000_000  # bytes of a preview
LICENSES = '("Creative Commons 0" OR "Attribution")'
FIELDS = ("id", "name", "username", "license", "url", "duration")
CATEGORIES = (
    *("Air brake", "Static", "Acoustic environment", "Distortion", "Tape hiss", "Hubbub"),
    *("Vibration", "Cacophony", "Throbbing", "Reverberation", "Inside, public space"),
    *("Inside, small room", "Echo", "Outside, rural", "Outside, natural", "Outside, urban"),
    *("Outside, manmade", "Car", "Bus", "Traffic noise", "Roadway noise", "Truck"),
    *("Emergency vehicle", "Motorcycle", "Aircraft engine", "Aircraft", "Helicopter", "Bicycle"),
    *("Skateboard", "Subway, metro, underground", "Railroad car", "Train wagon", "Train"),
    *("Sailboat", "Rowboat", "Ship"),
)
GONE = re.compile(r"HTTP (?:404|410|451)|not the expected")
FREE = re.compile(r"creativecommons\.org/(publicdomain/zero|licenses/by)/")


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All sounds; split by uploader if the lock file names them, else by file."""
    uploaders = {}
    if (folder / LOCK).is_file():
        uploaders = {str(sound["id"]): sound["username"] for sound in read_lock(folder / LOCK)}
    names = {path: uploaders.get(PurePosixPath(path).stem, path) for path in find_files(folder)}
    default = {path: by_group(name, source.shares) for path, name in names.items()}
    splits = resolve_splits(default, source, seed)
    for path, split in splits.items():
        yield Entry(path, "noise", split, source=f"freesound/{names[path]}")


def fetch(folder: Path, key: str = "", lock: Path | None = None, api: str = API) -> list[str]:
    """Fetch the sounds of a lock file, or of a search by category; write lock and attribution.

    An interrupted call can be repeated: finished searches and fetched sounds are kept.

    Args:
        key: of the API; not needed with a lock file.
        lock: a lock file from elsewhere; by default the folder's own, if there is one.

    Returns:
        A line for every sound that is missing, has changed or is not free.

    Raises:
        AtomicVADError: no key, a key that is refused, no network, or a malformed lock file.
    """
    hosts = (*HOSTS, urlsplit(api).hostname)
    lock_file = lock or folder / LOCK
    if lock or lock_file.is_file():
        sounds, locked = read_lock(lock_file), True
    elif key:
        folder.mkdir(parents=True, exist_ok=True)
        sounds, locked = _search_all(folder / SEARCH, key, api), False
    else:
        raise AtomicVADError(
            f"FreeSound: set {KEY} to a key (freesound.org/apiv2/apply), or give a lock file"
        )
    refused = [sound for sound in sounds if not FREE.search(sound["license"])]
    sounds = [sound for sound in sounds if FREE.search(sound["license"])]
    kept, lost = [], [f"{s['id']} by {s['username']}: {s['license']} is not free" for s in refused]
    for sound in tqdm(sounds, desc="sounds", unit="file"):
        try:
            kept.append(_fetch_one(folder, sound, hosts))
        except AtomicVADError as error:
            if not GONE.search(str(error)):
                raise
            lost.append(f"{sound['id']} by {sound['username']}: {error}")
    if lock or not locked:
        content = {"sounds": sounds if lock else kept}
        with replacing(folder / LOCK) as path:
            path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    _write_attribution(folder, kept)
    (folder / SEARCH).unlink(missing_ok=True)
    return lost


def _fetch_one(folder: Path, sound: dict, hosts: tuple) -> dict:
    address = urlsplit(sound["preview"])
    if address.scheme not in ("https", "http") or address.hostname not in hosts:
        raise AtomicVADError(
            f"FreeSound: {sound['id']}: a preview on another host: {sound['preview']}"
        )
    slug = re.sub(r"\W+", "_", sound["category"].lower()).strip("_")
    path = folder / slug / f"{sound['id']}.ogg"
    expected = sound.get("sha256")
    if expected or not path.is_file():
        retrieve(sound["preview"], path, expected, largest=LARGEST, progress=False)
    data = path.read_bytes()
    return sound | {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _search_all(results: Path, key: str, api: str) -> list[dict]:
    """Sounds of all categories; they are saved to ``results`` after each category."""
    sounds_by_category = _found_before(results)
    for category in tqdm(CATEGORIES, desc="searching", unit="category"):
        if category not in sounds_by_category:
            sounds_by_category[category] = _search(category, key, api)
            with replacing(results) as path:
                path.write_text(json.dumps(sounds_by_category), encoding="utf-8")
    sounds = {
        sound["id"]: sound
        for category in reversed(CATEGORIES)
        for sound in sounds_by_category[category]
    }
    return sorted(sounds.values(), key=lambda s: (CATEGORIES.index(s["category"]), s["id"]))


def _found_before(results: Path) -> dict[str, list[dict]]:
    """The results of an interrupted search; none if they are missing or damaged."""
    try:
        sounds_by_category = json.loads(results.read_text(encoding="utf-8"))
        return {
            category: [_checked(sound, str(results)) for sound in sounds_by_category[category]]
            for category in CATEGORIES
            if category in sounds_by_category
        }
    except (OSError, ValueError, TypeError, RecursionError):
        return {}


def _search(category: str, key: str, api: str) -> list[dict]:
    page = 1
    sounds: list[dict] = []
    while len(sounds) < PER_CATEGORY:
        time.sleep(REQUEST_PAUSE)
        parameters = {
            "query": category,
            "filter": f"license:{LICENSES} duration:[0.63 TO {LONGEST}]",
            "fields": ",".join((*FIELDS, "previews")),
            "page": page,
            "page_size": PAGE,
        }
        answer = get_json(f"{api}/search/text/", parameters, {"Authorization": f"Token {key}"})
        results = answer.get("results", [])
        if not isinstance(results, list):
            raise AtomicVADError(f"{api}: results: expected a list")
        for result in results:
            try:
                sound = {field: result[field] for field in FIELDS}
                sound |= {"category": category, "preview": result["previews"]["preview-hq-ogg"]}
            except (KeyError, TypeError):
                raise AtomicVADError(f"{api}: a sound without {', '.join(FIELDS)}") from None
            # The server filters too; the licence in its answer decides.
            if FREE.search(str(sound["license"])):
                sounds.append(_checked(sound, api))
        if not answer.get("next"):
            break
        page += 1
    return sounds[:PER_CATEGORY]


def read_lock(path: Path) -> list[dict]:
    """The sounds of a lock file.

    Raises:
        AtomicVADError: no lock file, or a malformed entry.
    """
    try:
        sounds = json.loads(path.read_text(encoding="utf-8"))["sounds"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise AtomicVADError(f"{path}: not a lock file of sounds ({error})") from None
    if not isinstance(sounds, list):
        raise AtomicVADError(f"{path}: sounds: expected a list")
    return [_checked(sound, f"{path}: sound {n}") for n, sound in enumerate(sounds, start=1)]


def _checked(sound: dict, where: str) -> dict:
    if not isinstance(sound, dict):
        raise AtomicVADError(f"{where}: expected an object")
    if isinstance(sound.get("id"), bool) or not isinstance(sound.get("id"), int):
        raise AtomicVADError(f"{where}: id: expected a number, got {sound.get('id')!r}")
    for field in ("name", "username", "license", "url", "category", "preview"):
        if not isinstance(sound.get(field), str):
            raise AtomicVADError(f"{where}: {field}: expected text, got {sound.get(field)!r}")
    if sound["category"] not in CATEGORIES:
        raise AtomicVADError(f"{where}: category: unknown: {sound['category'][:60]!r}")
    if not re.fullmatch(r"[0-9a-f]{64}|", str(sound.get("sha256") or "")):
        raise AtomicVADError(f"{where}: sha256: expected 64 hexadecimal digits")
    return sound


def _write_attribution(folder: Path, sounds: list[dict]) -> None:
    """Write ``ATTRIBUTION.csv``, which CC BY asks for when sounds, or a model, are passed on."""
    columns = ["id", "name", "username", "license", "url", "category"]
    with replacing(folder / "ATTRIBUTION.csv") as path:
        pd.DataFrame(sounds, columns=columns).to_csv(path, index=False)
