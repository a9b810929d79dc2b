"""The ``open`` corpus: speech, noise and music from Debian's games and telephone prompts.

Free recordings that anyone can fetch. Splits are disjoint in speakers and in sources: a package,
a language of a package, or a file of a package is in one split only.

============  ===================================  =============================================
split         speech                               background
============  ===================================  =============================================
training      Tux Paint ro es ru fr bg be; Flight  qabcs noises; four fifths of UFO:AI's sounds
              of the Amazon Queen; Fish Fillets    and of Warzone 2100's tracks; generated noises
              cs
validation    Tux Paint ca da; qabcs words         OpenTTD effects; one fifth of UFO:AI's sounds
                                                   and of Warzone 2100's tracks
testing       Asterisk prompts; Fish Fillets nl;   LinCity effects and music, Minetest effects,
              Tux Paint el; KTuberling             Asterisk music on hold
============  ===================================  =============================================
"""

import hashlib
import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import PurePosixPath

from atomicvad.corpora.debian import fetch, members
from atomicvad.corpora.generated import NOISES, generate
from atomicvad.corpora.recordings import Recording
from atomicvad.errors import AtomicVADError
from atomicvad.parallel import computed_ahead

# Debian 12; SHA-256 of the packages that the committed numbers were made with.
PACKAGES = {
    "asterisk-core-sounds-en-g722": "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806",
    "asterisk-core-sounds-es-g722": "e4e3b4281057d3b81b779298fd6be705f57411513955c518eed1bcaabbd615b8",
    "asterisk-core-sounds-fr-g722": "7add61d5e42279ecff1bbdf842a5a946ac3644fac9a0fe44384731aa7270c8e0",
    "asterisk-core-sounds-it-g722": "46b4cf7afc508a5fcfc051b7ea233251c0d195dd4ef83cc4b7facb4c6429b016",
    "asterisk-core-sounds-ru-g722": "673b4238a6b8269960f055d868c6a11083f7a0d00979167cb01554046b48ed9b",
    "asterisk-moh-opsound-g722": "8d6b39d6f2e8feff54a042c4a25e1b72f3e2478d05ee372c92f77446fa0b1671",
    "fillets-ng-data-cs": "3ecef99b9456f1c80c9625c6f2418642b52d58e7167a46bad7a412db17991b14",
    "fillets-ng-data-nl": "afb4443fda9ab507dee578b75be857d121718a1cd6017a474f30e0eb13dc9d10",
    "flight-of-the-amazon-queen": "40c08fd258d6fe95c46c1eaf5e9137f84ba330657995a281bd887c94a560a0f1",
    "ktuberling-data": "fba44c875bfa31ea488dadd9263e87a4dcaea0bd47d28817f6c0dc6d2af970ed",
    "lincity-ng-data": "8f5e85bd42879abdc7099b035d7a3d7468eceb6b93b52a12270c28f3f3c792f9",
    "minetest-data": "91371dd2bd51cfcd4fa60c138667989a47047dfe1a47f7523b9ad1782d397585",
    "openttd-opensfx": "2898b4677a3caccc4abc08fb4cf83319047b5a04729291deb5c77a8cd713c006",
    "qabcs-data": "3484da4cf258e6f3a39a1fc99bbfcaddfd679cff96a8fa792f261ab0a2bf9d86",
    "tuxpaint-stamps-default": "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
    "ufoai-sound": "0224308c10e1265581d1829f19eaef031175390fd0eafeb4a1d558ac6561ed4e",
    "warzone2100-music": "d3b2c9f90ea5438d45d4aff18339a03ec808e1affa9dac91f7dad61cb15ee64e",
}

TUXPAINT = dict.fromkeys(["ro", "es", "ru", "fr", "bg", "be"], "training")
TUXPAINT |= dict.fromkeys(["ca", "da"], "validation") | {"el": "testing"}
KTUBERLING = frozenset(
    ["de", "fi", "ga", "gl", "it", "lt", "nds", "nl", "nn", "pt", "sl", "sr", "sv", "uk", "wa"]
)
# Noises of qabcs that stand for a person or a figure: they may contain voices.
QABCS_VOICES = frozenset(
    [
        "adjutant",
        "cheburashka",
        "chef",
        "circus",
        "clown",
        "dogmatix",
        "doll",
        "dunno",
        "emelya",
        "gamekeeper",
        "grommet",
        "iotshin",
        "ivasyk",
        "jack",
        "joker",
        "ole_lukoje",
        "prince",
        "pupil",
        "quiz_game",
        "robot",
        "sailorboy",
        "schooler",
        "umka",
        "ursula",
        "walkie-talkie",
        "x-men",
        "yaga",
        "yeti",
    ]
)
Files = Iterable[tuple[str, bytes]]  # name and content of each file of a package
AUDIO = (".ogg", ".opus", ".wav", ".mp3", ".g722")


def recordings() -> Iterator[Recording]:
    """All recordings, package by package; missing packages are fetched first."""
    files = fetch(PACKAGES)
    with ThreadPoolExecutor(1) as pool:  # the next package is unpacked while one is decoded
        unpacked = computed_ahead(pool, lambda package: list(members(files[package])), files, 2)
        for package, content in unpacked:
            yield from READERS[package](content)
    for number in range(40):
        noise = NOISES[number % len(NOISES)]
        yield Recording(
            recording=f"generated/{noise}-{number:02d}.wav",
            label="background",
            kind="noise",
            language="",
            speaker="",
            source="generated",
            split="training",
            load=partial(generate, noise, (2, number)),
        )


def _speech(
    name: str, language: str, speaker: str, source: str, split: str, content: bytes
) -> Recording:
    return Recording(
        name, "speech", "speech", language, speaker, source, split, partial(bytes, content)
    )


def _background(name: str, kind: str, source: str, split: str, content: bytes) -> Recording:
    return Recording(name, "background", kind, "", "", source, split, partial(bytes, content))


def _tuxpaint(files: Files) -> Iterator[Recording]:
    for path, content in files:
        match = re.search(r"stamps/(.+)_desc_(\w+)\.ogg$", path)
        if match and match[2] in TUXPAINT:
            name, language = match.groups()
            source = f"tuxpaint-{language}"
            split = TUXPAINT[language]
            yield _speech(f"{source}/{name}.ogg", language, source, source, split, content)


def _queen(files: Files) -> Iterator[Recording]:
    """The Queen's container: a table of 21-byte entries after a 15-byte header (big-endian)."""
    data = next((content for path, content in files if path.endswith("/queen.1c")), b"")
    if data[:4] != b"QTBL":
        raise AtomicVADError("flight-of-the-amazon-queen: expected a container with magic QTBL")
    (count,) = struct.unpack_from(">H", data, 13)
    for entry in range(count):
        raw, offset, size = struct.unpack_from(">12sxII", data, 15 + 21 * entry)
        name = raw.split(b"\0")[0].decode("latin-1").strip()
        # SSSS marks sound effects; two further files contain no voice.
        if not name.endswith(".SB") or name.endswith("SSSS.SB"):
            continue
        if name.startswith(("ROCKPAKS", "BLANK000")):
            continue
        content = data[offset : offset + size]
        yield _speech(f"queen/{name}.mp3", "en", "queen", "queen", "training", content)


def _fillets(language: str, split: str, files: Files) -> Iterator[Recording]:
    source = f"fillets-{language}"
    for path, content in files:
        if path.endswith(".ogg") and f"/{language}/" in path:
            name = path.split("/sound/")[1]
            yield _speech(f"{source}/{name}", language, source, source, split, content)


def _asterisk(language: str, files: Files) -> Iterator[Recording]:
    source = f"asterisk-{language}"
    # The English and the Spanish prompts are spoken by one person.
    speaker = "asterisk-en" if language == "es" else source
    silent = re.compile(r"/silence/|/beep|-2tone|/confbridge-|/tt-monkeys")
    for path, content in files:
        if path.endswith(".g722") and not silent.search(path):
            name = path.split("/sounds/")[1]
            yield _speech(f"{source}/{name}", language, speaker, source, "testing", content)


def _ktuberling(files: Files) -> Iterator[Recording]:
    for path, content in files:
        match = re.search(r"/sounds/(\w+)/([^/]+)$", path)
        if match and match[1] in KTUBERLING and path.endswith(AUDIO):
            source = f"ktuberling-{match[1]}"
            yield _speech(f"{source}/{match[2]}", match[1], source, source, "testing", content)


def _qabcs(files: Files) -> Iterator[Recording]:
    for path, content in files:
        if not path.endswith(AUDIO):
            continue
        if "/abcs/all/" in path:
            if PurePosixPath(path).stem in QABCS_VOICES:
                continue
            name = f"qabcs/{PurePosixPath(path).name}"
            yield _background(name, "noise", "qabcs", "training", content)
        elif match := re.search(r"/abcs/(\w+)/sounds/(.+)$", path):
            source = f"qabcs-{match[1]}"
            language = match[1].split("_")[0]
            name = f"{source}/{match[2]}"
            yield _speech(name, language, source, source, "validation", content)


def _ufoai(files: Files) -> Iterator[Recording]:
    voices = re.compile(r"^sound/(soldiers|civilians|aliens|tv_newswav)/|radiomessage")
    for path, content in files:
        if not path.endswith(".pk3"):
            continue
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith(AUDIO) and not voices.search(name):
                    split = _by_name(name)
                    sound = archive.read(name)
                    yield _background(f"ufoai/{name}", "noise", f"ufoai-{split}", split, sound)


def _by_name(name: str) -> str:
    """The split of a sound by a hash of its name: one in five is for validation.

    Takes of one sound differ in a number at the end, which is not hashed.
    """
    sound = re.sub(r"[-_]?\d+x?$", "", PurePosixPath(name).stem)
    digest = hashlib.sha256(sound.encode()).digest()
    return "validation" if digest[-1] % 5 == 0 else "training"


def _warzone(files: Files) -> Iterator[Recording]:
    for path, content in files:
        if path.endswith(AUDIO):
            name = PurePosixPath(path).name
            split = _by_name(name)
            yield _background(f"warzone/{name}", "music", f"warzone-{split}", split, content)


def _openttd(files: Files) -> Iterator[Recording]:
    """All sounds are in one file, each as a complete RIFF WAVE."""
    data = next((content for path, content in files if path.endswith(".cat")), b"")
    for number, match in enumerate(re.finditer(rb"RIFF(....)WAVE", data, re.DOTALL)):
        (size,) = struct.unpack("<I", match[1])
        content = data[match.start() : match.start() + size + 8]
        name = f"openttd/{number:03d}.wav"
        yield _background(name, "noise", "openttd", "validation", content)


def _effects(source: str, split: str, files: Files) -> Iterator[Recording]:
    for path, content in files:
        if path.endswith(AUDIO):
            name = PurePosixPath(path).name
            # LinCity's music is in Ogg, its effects are in WAV.
            music = source == "asterisk-moh" or (source == "lincity" and path.endswith(".ogg"))
            kind = "music" if music else "noise"
            yield _background(f"{source}/{name}", kind, f"{source}-{kind}", split, content)


READERS: dict[str, Callable[[Files], Iterator[Recording]]] = {
    "tuxpaint-stamps-default": _tuxpaint,
    "flight-of-the-amazon-queen": _queen,
    "fillets-ng-data-cs": partial(_fillets, "cs", "training"),
    "fillets-ng-data-nl": partial(_fillets, "nl", "testing"),
    **{
        f"asterisk-core-sounds-{language}-g722": partial(_asterisk, language)
        for language in ("en", "es", "fr", "it", "ru")
    },
    "ktuberling-data": _ktuberling,
    "ufoai-sound": _ufoai,
    "qabcs-data": _qabcs,
    "lincity-ng-data": partial(_effects, "lincity", "testing"),
    "minetest-data": partial(_effects, "minetest", "testing"),
    "warzone2100-music": _warzone,
    "asterisk-moh-opsound-g722": partial(_effects, "asterisk-moh", "testing"),
    "openttd-opensfx": _openttd,
}
