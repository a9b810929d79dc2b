"""AtomicVAD, a voice activity detector of 298 parameters, and its reproduction."""

from importlib import import_module
from importlib.machinery import PathFinder as _PathFinder
from typing import Any

# Name -> module. Looked up at first use: nothing is imported before it is needed.
_PUBLIC = {
    "AtomicVADError": "errors",
    "Event": "detection.segmenter",
    "Segment": "detection.segment",
    "SpeechDetector": "detection.detector",
    "build_model": "model",
    "decode": "audio.decode",
    "detect": "detection.detect",
    "load_model": "model",
    "load_profile": "config",
    "scores": "detection.detect",
    "speech_probabilities": "scoring.probabilities",
    "stream_probabilities": "scoring.probabilities",
}
__all__ = list(_PUBLIC)

# Where the reproduction is installed, libraries are set up before they are loaded, so that numbers
# are the same everywhere. A program that only detects speech keeps its environment as it is.
if all(_PathFinder.find_spec(name) for name in ("keras", "numba", "papermill")):
    from atomicvad import arithmetic as _arithmetic  # noqa: F401
    from atomicvad.isolation import isolate_libraries as _isolate_libraries
    from atomicvad.quiet import quiet_tensorflow as _quiet_tensorflow

    _isolate_libraries()
    _quiet_tensorflow()


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'atomicvad' has no attribute {name!r}")
    return getattr(import_module(f"atomicvad.{_PUBLIC[name]}"), name)
