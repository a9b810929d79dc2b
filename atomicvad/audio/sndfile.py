"""Reading with libsndfile: WAV, AIFF, AU, CAF, FLAC, Ogg, MP3 and what else it knows."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import soundfile

from atomicvad.audio.files import AudioError, Excerpt
from atomicvad.audio.stream import BLOCK_SECONDS, Block, Stream, possible_rate
from atomicvad.interrupts import interrupts_wait

DENSEST = 6000  # samples per byte of silence in FLAC; a header that promises more is damaged
NOT_KNOWN_LENGTH = 1 << 62  # samples
LARGEST = 1 << 24  # samples of all channels in a block
MP3_PACKET = 1152  # samples
RATES_OF_BITS = 64  # the highest bit rate of MP3 by its lowest one, and some
FAILURES = (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError, OSError)


class _Forward(soundfile.SoundFile):
    """A file that is read from its beginning to its end.

    soundfile seeks after every block, upon which decoders of MP3 and others begin anew, and those
    that cannot seek (GSM, DWVW …) fail.
    """

    def seekable(self) -> bool:
        return False


class _Guarded(Excerpt):
    """What is raised while libsndfile asks for bytes (a failing disk), kept for later.

    A library in C cannot hand it on: it would be printed and forgotten.
    """

    raised: BaseException | None = None

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``, or end the file."""
        try:
            return super().readinto(buffer)
        except BaseException as error:
            self.raised = error
            return 0

    def check(self) -> None:
        """Raise what was kept."""
        if self.raised is not None:
            raise self.raised


class _Endless(_Guarded):
    """A file that states to be far longer than it is.

    libsndfile guesses how many samples an MP3 file without a count has from its length and the bit
    rate of its first frame, and reads no more.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        if whence == io.SEEK_END:
            return super().seek(RATES_OF_BITS * self.length + offset)
        return super().seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``: with zeros far behind the end, where a tag is looked for."""
        if self.position <= self.length:
            return super().readinto(buffer)
        view = memoryview(buffer).cast("B")
        view[:] = bytes(len(view))
        self.position += len(view)
        return len(view)


@contextlib.contextmanager
def open_sndfile(file: Excerpt, name: str, to_the_end: bool = False) -> Iterator[Stream | None]:
    """The audio of a file, or ``None`` if libsndfile does not know its format.

    Args:
        file: the file.
        name: used in errors.
        to_the_end: read an MP3 file until it ends, not as far as libsndfile guesses it to go.

    Raises:
        AudioError: an impossible sample rate or length.
    """
    guarded = (_Endless if to_the_end else _Guarded)(file, 0, file.length)
    try:
        with interrupts_wait():  # within a callback they would be forgotten
            sound = _Forward(guarded)
    except FAILURES:
        guarded.check()
        yield None
        return
    with _closed(sound):
        rate = possible_rate(sound.samplerate, name)
        # Of MP3 without a count this is a guess.
        known = sound.frames < NOT_KNOWN_LENGTH and not to_the_end
        if known and sound.frames * sound.channels > DENSEST * file.length:
            raise AudioError(f"{name}: its header states {sound.frames} samples")
        seconds = sound.frames / rate if known else None
        packet = MP3_PACKET if sound.subtype.startswith("MPEG") else 0
        yield Stream(rate, sound.channels, seconds, _blocks(sound, guarded), packet)


@contextlib.contextmanager
def _closed(sound: _Forward) -> Iterator[None]:
    """Close it in the end, not interrupted half way: it would be closed twice."""
    try:
        yield
    finally:
        with interrupts_wait():
            sound.close()


def _blocks(sound: _Forward, file: _Guarded) -> Iterator[Block]:
    rate, some = sound.samplerate, True
    size = max(1, min(BLOCK_SECONDS * rate, LARGEST // sound.channels))
    while some:
        try:
            with interrupts_wait():
                block = sound.read(size, dtype="float32", always_2d=True)
        finally:
            file.check()
        some = len(block) > 0
        if some:
            yield rate, block
