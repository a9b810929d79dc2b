"""Reading with libsndfile: WAV, AIFF, AU, CAF, FLAC, Ogg, MP3 and what else it knows."""

import contextlib
from collections.abc import Iterator

import soundfile

from atomicvad.audio.files import AudioError, Excerpt
from atomicvad.audio.stream import BLOCK_SECONDS, Block, Stream, possible_rate

DENSEST = 6000  # samples per byte of silence in FLAC; a head that promises more is damaged
NOT_KNOWN_LENGTH = 1 << 62  # samples
LARGEST = 1 << 24  # samples of all channels in a block
FAILURES = (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError, OSError)


class _Forward(soundfile.SoundFile):
    """A file that is read from its beginning to its end.

    soundfile seeks after every block, upon which decoders of MP3 and others begin anew, and those
    that cannot seek (GSM, DWVW …) fail.
    """

    def seekable(self) -> bool:
        return False


@contextlib.contextmanager
def open_sndfile(file: Excerpt, name: str) -> Iterator[Stream | None]:
    """The audio of a file, or ``None`` if libsndfile does not know its format.

    Raises:
        AudioError: an impossible sample rate or length.
    """
    try:
        sound = _Forward(file.anew())
    except FAILURES:
        yield None
        return
    with sound:
        rate = possible_rate(sound.samplerate, name)
        known = sound.frames < NOT_KNOWN_LENGTH  # of MP3 without a count this is a guess
        if known and sound.frames * sound.channels > DENSEST * file.length:
            raise AudioError(f"{name}: its head promises {sound.frames} samples")
        seconds = sound.frames / rate if known else None
        yield Stream(rate, sound.channels, seconds, _blocks(sound))


def _blocks(sound: _Forward) -> Iterator[Block]:
    rate = sound.samplerate
    size = max(1, min(BLOCK_SECONDS * rate, LARGEST // sound.channels))
    while len(block := sound.read(size, dtype="float32", always_2d=True)):
        yield rate, block
