"""``atomicvad detect - --stream``: events of raw PCM, as they come."""

import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from atomicvad.errors import AtomicVADError

if TYPE_CHECKING:
    from atomicvad.detection.recordings import Options
    from atomicvad.detection.segmenter import Event

MOST = 1 << 16  # bytes that are read at once
FILES = (b"RIFF", b"OggS", b"fLaC", b"ID3")  # how files begin that are no raw PCM


def as_json(event: "Event") -> str:
    """An event in one line: ``event`` (start or end), ``time``; of an end also the segment."""
    line: dict[str, str | float] = {"event": event.kind, "time": round(event.time, 3)}
    if event.segment is not None:
        segment = event.segment
        line |= {"start": round(segment.start, 3), "end": round(segment.end, 3)}
        line |= {"mean": round(segment.mean, 4), "peak": round(segment.peak, 4)}
    return json.dumps(line)


def pcm(descriptor: int, channels: int) -> Iterator[np.ndarray]:
    """Samples int16 ``[n, channels]`` as a pipe has them; the rest of an unfinished one is left.

    Args:
        descriptor: a file that is open for reading: signed 16 bits, little endian, interleaved.
        channels: of the samples.

    Raises:
        AtomicVADError: a file with a head.
    """
    kept, is_first = b"", True
    while new := os.read(descriptor, MOST):
        if is_first and new.startswith(FILES):
            raise AtomicVADError("--stream: expected raw PCM, got an audio file; omit --stream")
        is_first = False
        content = kept + new
        whole = len(content) // (2 * channels) * (2 * channels)
        kept = content[whole:]
        if whole:
            yield np.frombuffer(content[:whole], "<i2").astype(np.int16).reshape(-1, channels)


def detect_stream(options: "Options", rate: int, channels: int) -> None:
    """Print the events of raw PCM on stdin until it ends, is interrupted, or nobody reads on."""
    detector = options.detector(rate)
    try:
        try:
            for samples in pcm(sys.stdin.fileno(), channels):
                _print(detector.push(samples))
        except KeyboardInterrupt:  # as good an end as another
            pass
        _print(detector.flush())
    except BrokenPipeError:
        quiet_stdout()


def _print(events: "list[Event]") -> None:
    for event in events:
        print(as_json(event), flush=True)


def quiet_stdout() -> None:
    """Nobody reads stdout any more: what is left in it goes nowhere, without an error at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
