"""Readers of the packages of the ``open`` corpus: which files are recordings, and of what."""

import hashlib
import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from atomicvad.audio.decode import decode
from atomicvad.audio.ogg import first_closed_stream
from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.corpora.open_packages import KLETTRES, KTUBERLING, QABCS_VOICES, TUXPAINT
from atomicvad.corpora.recordings import Recording
from atomicvad.errors import AtomicVADError

Files = Iterable[tuple[str, bytes]]  # name and content of each file of a package
AUDIO = (".ogg", ".opus", ".wav", ".mp3", ".flac", ".g722")
SHORTEST = 1.26  # s, two windows; shorter backgrounds are repeated


def _speech(
    name: str, language: str, speaker: str, source: str, split: str, content: bytes
) -> Recording:
    return Recording(
        name, "speech", "speech", language, speaker, source, split, partial(bytes, content)
    )


def _background(name: str, kind: str, source: str, split: str, content: bytes) -> Recording:
    load = partial(_at_least, content, name)
    return Recording(name, "background", kind, "", "", source, split, load)


def _at_least(content: bytes, name: str, seconds: float = SHORTEST) -> np.ndarray:
    """A sound; one shorter than ``seconds`` is repeated until it is as long, so it has windows."""
    waveform = decode(content, name)
    return np.resize(waveform, max(len(waveform), round(seconds * SAMPLE_RATE)))


def _tuxpaint(files: Files) -> Iterator[Recording]:
    for path, content in files:
        match = re.search(r"stamps/(.+)_desc_(\w+)\.ogg$", path)
        sound = re.search(r"stamps/((?:animals|hobbies|household|naturalforces)/.+)\.ogg$", path)
        if sound and "_desc" not in sound[1]:  # those are the animals' names, spoken
            split = split_of_sound(path)
            name, source = f"tuxpaint-sounds/{sound[1]}.ogg", f"tuxpaint-sounds-{split}"
            yield _background(name, "noise", source, split, content)
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


def _klettres(files: Files) -> Iterator[Recording]:
    for path, content in files:
        match = re.search(r"/klettres/(\w+)/(.+)$", path)
        if match and match[1] in KLETTRES and path.endswith(AUDIO):
            source = f"klettres-{match[1]}"
            name, split = f"{source}/{match[2]}", KLETTRES[match[1]]
            # A second of digital silence follows the Czech syllables as a stream of its own; in
            # Arabic and Malayalam some streams are not closed.
            stream = first_closed_stream(content, name)
            if stream:
                yield _speech(name, match[1], source, source, split, stream)


def _ufoai(files: Files) -> Iterator[Recording]:
    voices = re.compile(r"^sound/(soldiers|civilians|aliens|tv_newswav)/|radiomessage")
    for path, content in files:
        if not path.endswith(".pk3"):
            continue
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith(AUDIO) and not voices.search(name):
                    split = split_of_sound(name)
                    sound = archive.read(name)
                    yield _background(f"ufoai/{name}", "noise", f"ufoai-{split}", split, sound)


def split_of_sound(name: str, music: bool = False) -> str:
    """The split of a sound, by a hash of what it is called: one in five is for validation.

    Takes of one sound differ in a number at the end, which is not hashed. Pieces of music do not
    share one: there only the name of a version (``track3_enhanced``) is left out.
    """
    takes = r"_(enhanced|raw|full)$" if music else r"[-_]?\d+x?$"
    digest = hashlib.sha256(re.sub(takes, "", PurePosixPath(name).stem).encode()).digest()
    return "validation" if digest[-1] % 5 == 0 else "training"


def _openttd(files: Files) -> Iterator[Recording]:
    """All sounds are in one file, each as a complete RIFF WAVE."""
    data = next((content for path, content in files if path.endswith(".cat")), b"")
    for number, match in enumerate(re.finditer(rb"RIFF(....)WAVE", data, re.DOTALL)):
        (size,) = struct.unpack("<I", match[1])
        content = data[match.start() : match.start() + size + 8]
        name = f"openttd/{number:03d}.wav"
        yield _background(name, "noise", "openttd", "validation", content)


@dataclass(frozen=True)
class Sounds:
    """A package of sounds without speech.

    Attributes:
        source: its name here.
        split: of all its files; empty: by ``split_of_sound``.
        music, left_out: patterns of the paths of music, and of files that are not used.
        parts: how many parts of the path make the name, so that names differ.
    """

    source: str
    split: str = ""
    music: str = "$^"
    left_out: str = "$^"
    parts: int = 1

    def __call__(self, files: Files) -> Iterator[Recording]:
        """The recordings of the package."""
        for path, content in files:
            if not path.endswith(AUDIO) or re.search(self.left_out, path):
                continue
            music = bool(re.search(self.music, path))
            kind = "music" if music else "noise"
            split = self.split or split_of_sound(path, music)
            name = "/".join([self.source, *PurePosixPath(path).parts[-self.parts :]])
            suffix = kind if self.split else f"{kind}-{split}"
            yield _background(name, kind, f"{self.source}-{suffix}", split, content)


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
    "klettres-data": _klettres,
    "ufoai-sound": _ufoai,
    "qabcs-data": _qabcs,
    "openttd-opensfx": _openttd,
    # Of the games' own voices, cries stay and words are left out.
    "ardentryst": Sounds("ardentryst", "training", music="/Music/", left_out="/VOI_", parts=2),
    "hydrogen-data": Sounds("hydrogen", "training", parts=2),
    "lmms-common": Sounds(
        "lmms", "training", music="/(bass|beats|instruments|latin|strings)", parts=2
    ),
    "scorched3d-data": Sounds(
        "scorched3d", "training", music="/music/", left_out="fight4life|extralife", parts=5
    ),
    "sonic-pi-samples": Sounds("sonic-pi", "training", music="/(ambi|loop)_"),
    "wesnoth-1.16-data": Sounds("wesnoth"),
    "caveexpress-data": Sounds("caveexpress", "validation", music="/music-"),
    "oxygen-sounds": Sounds("oxygen", "validation"),
    "warzone2100-music": Sounds("warzone", music="."),
    "amoebax-data": Sounds("amoebax", "training", music="/music/"),
    "asc-music": Sounds("asc", "training", music="."),
    "pathological": Sounds("pathological", "validation", music="/music/"),
    # LinCity's music is in Ogg, its effects are in WAV.
    "lincity-ng-data": Sounds("lincity", "testing", music=r"\.ogg$"),
    "minetest-data": Sounds("minetest", "testing"),
    "asterisk-moh-opsound-g722": Sounds("asterisk-moh", "testing", music="."),
}
