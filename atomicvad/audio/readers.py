"""Which reader reads a file, and whether it finds what the header states.

libsndfile reads what it can; FFmpeg reads the rest, and what libsndfile would cut short or put in
the wrong place in time. Without FFmpeg these last checks are left out, but for missing pages of
Ogg, which are an error then.
"""

from collections.abc import Iterator

from atomicvad.audio.contradictions import refuse_contradictions
from atomicvad.audio.ffmpeg import (
    UNKNOWN,
    has_ffmpeg,
    missing,
    open_ffmpeg,
    seconds_of_packets,
    timestamps_jump,
)
from atomicvad.audio.files import LOG, AudioError, Excerpt
from atomicvad.audio.heads import repaired
from atomicvad.audio.joined import is_counted, is_mp3, parts
from atomicvad.audio.ogg import has_holes
from atomicvad.audio.sndfile import FAILURES, open_sndfile
from atomicvad.audio.stream import Block, Stream

TOLERANCE = 0.1  # s between the length that a header states and the samples, besides a packet
MP3_DELAY = 4608  # samples that an encoder of MP3 adds, at most
HOLES = "pages of it are missing, and FFmpeg alone finds where"
STOPPED = "libsndfile cannot decode all of it; FFmpeg may"


def whole_parts(file: Excerpt, name: str) -> list[Excerpt]:
    """The files that follow each other in one, each with the right sizes in its head.

    Raises:
        AudioError: a header that contradicts itself or the file.
    """
    if is_raw_g722(name):
        return [file]
    found = parts(file, name)
    for part in found:
        refuse_contradictions(part, name)
    return [repaired(part, name) for part in found]


def stated_by_head(file: Excerpt, name: str) -> tuple[float, int, int]:
    """Seconds, rate and channels of one file; without a stated length, that of its packets.

    Raises:
        AudioError: no audio, an unknown format, an impossible rate.
    """
    raw, uncounted = is_raw_g722(name), _is_uncounted(file)
    if not (raw or _is_for_ffmpeg(file, name, trusting=True)):
        with open_sndfile(file, name, uncounted and not has_ffmpeg()) as stream:
            if stream is not None:
                seconds = stream.seconds
                if uncounted or seconds is None:
                    seconds = _seconds_of(file, name, stream)
                return seconds, stream.rate, stream.channels
    with open_ffmpeg(file, name, raw) as stream:
        seconds = stream.seconds
        if seconds is None or uncounted:
            seconds = seconds_of_packets(file, name, raw)
        return seconds, stream.rate, stream.channels


def _seconds_of(file: Excerpt, name: str, stream: Stream) -> float:
    """The length of a file that states none: of its packets or, without FFmpeg, its samples."""
    if has_ffmpeg():
        return seconds_of_packets(file, name)
    try:
        return sum(len(block) for _, block in stream.blocks) / stream.rate
    except FAILURES:
        raise missing(name, STOPPED) from None


def checked_blocks(file: Excerpt, name: str) -> Iterator[Block]:
    """The blocks of one file; their length is compared with what its header states.

    Raises:
        AudioError: more or fewer samples than stated, or none that can be decoded.
    """
    found, promised, done, known = 0.0, None, False, False
    samples, slack = 0, TOLERANCE
    raw, uncounted = is_raw_g722(name), _is_uncounted(file)
    if not (raw or _is_for_ffmpeg(file, name)):
        with open_sndfile(file, name, uncounted and not has_ffmpeg()) as stream:
            if stream is not None:
                known = True
                slack += stream.packet / stream.rate
                promised = None if uncounted else stream.seconds
                try:
                    for rate, block in stream.blocks:
                        yield rate, block
                        samples += len(block)
                        found += len(block) / rate
                    done = True
                except FAILURES:
                    done = False
    if not done:  # FFmpeg, from where libsndfile stopped
        with open_ffmpeg(file, name, raw, STOPPED if known else UNKNOWN) as stream:
            if promised is None:
                promised, slack = stream.seconds, TOLERANCE + stream.packet / stream.rate
            for rate, block in stream.blocks:
                rest = block[samples:]
                samples -= len(block) - len(rest)
                if len(rest):
                    yield rate, rest
                    found += len(rest) / rate
    if promised is None or abs(found - promised) <= slack:
        return
    if found < promised or (known and not done):  # two readers must agree
        raise AudioError(
            f"{name}: its header states {promised:.2f} s, and {found:.2f} s can be decoded: "
            "truncated or damaged"
        )
    LOG.warning("%s: its header states %.2f s, it has %.2f s", name, promised, found)


def is_raw_g722(name: str) -> bool:
    """Whether a file is known by its name alone: raw G.722 has no header."""
    return name.lower().endswith(".g722")


def _is_for_ffmpeg(file: Excerpt, name: str, trusting: bool = False) -> bool:
    """Whether libsndfile would lose samples, or their place in time.

    Args:
        file: the file.
        name: used in errors.
        trusting: believe an MP3 file's header, so that it need not be read as a whole.
    """
    start = file.bytes_at(0, 64)
    if start[:4] == b"OggS":
        if has_holes(file, name):
            if not has_ffmpeg():
                raise missing(name, HOLES)
            return True
        return b"OpusHead" in start and has_ffmpeg() and timestamps_jump(file, name)
    if not is_mp3(file) or (trusting and is_counted(file)) or not has_ffmpeg():
        return False
    return _stops_early(file, name)


def _is_uncounted(file: Excerpt) -> bool:
    """Whether libsndfile guesses the length, from the bit rate of the first frame."""
    return is_mp3(file) and not is_counted(file)


def _stops_early(file: Excerpt, name: str) -> bool:
    """Whether libsndfile takes an MP3 file to be too short; it reads no more."""
    with open_sndfile(file, name) as stream:
        if stream is None or stream.seconds is None:
            return True
        slack = max(TOLERANCE, MP3_DELAY / stream.rate)
        try:
            return seconds_of_packets(file, name) > stream.seconds + slack
        except AudioError:
            return False
