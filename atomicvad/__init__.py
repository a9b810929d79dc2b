"""AtomicVAD, a voice activity detector of 298 parameters, and its reproduction.

>>> from atomicvad import detect, example
>>> found = detect(example())  # a path, an open file, or an array with its sample rate
>>> print(f"from {found[0].start:.1f} to {found[0].end:.1f} s")
from 0.9 to 2.5 s

- ``detect``: the segments of speech in a recording.
- ``SpeechDetector``: the same in a stream, chunk by chunk.
- ``scores``: the probability of speech every 10 ms.
- ``decode``: any audio file as samples of 16 kHz.
- ``example``: the path of a recording to try things with.
- ``detection.formats``: RTTM, TextGrid, SRT and others; ``timestamps``, lists as Silero has them.
- ``detection.plot``: a picture of waveform, score and segments.

A file or an option that is wrong raises ``AtomicVADError``, with a message of one line. The
command line is ``atomicvad --help``, or ``python -m atomicvad --help``. To build, load and train
models takes ``pip install 'atomicvad[reproduce]'``.
"""

from importlib import import_module
from importlib.util import find_spec as _find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atomicvad.audio.decode import decode as decode
    from atomicvad.config import load_profile as load_profile
    from atomicvad.detection.detect import detect as detect
    from atomicvad.detection.detect import scores as scores
    from atomicvad.detection.detector import SpeechDetector as SpeechDetector
    from atomicvad.detection.example import example as example
    from atomicvad.detection.segment import Segment as Segment
    from atomicvad.detection.segmenter import Event as Event
    from atomicvad.errors import AtomicVADError as AtomicVADError
    from atomicvad.model import build_model as build_model
    from atomicvad.model import load_model as load_model
    from atomicvad.scoring.probabilities import speech_probabilities as speech_probabilities
    from atomicvad.scoring.probabilities import stream_probabilities as stream_probabilities

# Name -> module. Looked up at first use: nothing is imported before it is needed.
_DETECTION = {
    "AtomicVADError": "errors",
    "Event": "detection.segmenter",
    "Segment": "detection.segment",
    "SpeechDetector": "detection.detector",
    "decode": "audio.decode",
    "detect": "detection.detect",
    "example": "detection.example",
    "scores": "detection.detect",
}
_REPRODUCTION = {
    "build_model": "model",
    "load_model": "model",
    "load_profile": "config",
    "speech_probabilities": "scoring.probabilities",
    "stream_probabilities": "scoring.probabilities",
}


def _is_installed(name: str) -> bool:
    try:
        return _find_spec(name) is not None
    except ValueError:  # a stand-in, as tests and documentation have
        return False


_IS_WHOLE = all(map(_is_installed, ("keras", "numba", "papermill")))
__all__ = list(_DETECTION | _REPRODUCTION if _IS_WHOLE else _DETECTION)

# Where the reproduction is installed, libraries are set up before they are loaded, so that numbers
# are the same everywhere. A program that only detects speech keeps its environment as it is.
if _IS_WHOLE:
    from atomicvad import arithmetic as _arithmetic  # noqa: F401
    from atomicvad.isolation import isolate_libraries as _isolate_libraries
    from atomicvad.quiet import quiet_tensorflow as _quiet_tensorflow

    _isolate_libraries()
    _quiet_tensorflow()


def __getattr__(name: str) -> Any:
    module = (_DETECTION | _REPRODUCTION).get(name)
    if module is None:
        raise AttributeError(f"module 'atomicvad' has no attribute {name!r}")
    try:
        return getattr(import_module(f"atomicvad.{module}"), name)
    except ModuleNotFoundError as error:
        if _IS_WHOLE or name in _DETECTION:
            raise
        reason = f"{name} needs {error.name}: pip install 'atomicvad[reproduce]'"
        raise ModuleNotFoundError(reason, name=error.name) from None


def __dir__() -> list[str]:
    return __all__
