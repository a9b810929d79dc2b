"""AtomicVAD, a voice activity detector of 298 parameters, and its reproduction."""

from importlib import import_module
from typing import Any

# Before the libraries that they concern are loaded.
from atomicvad import arithmetic as _arithmetic  # noqa: F401
from atomicvad.isolation import isolate_libraries as _isolate_libraries
from atomicvad.quiet import quiet_tensorflow as _quiet_tensorflow

# Name -> module. Looked up at first use: TensorFlow is not imported before it is needed.
_PUBLIC = {
    "AtomicVADError": "errors",
    "build_model": "model",
    "decode": "audio.decode",
    "load_model": "model",
    "load_profile": "config",
    "speech_probabilities": "scoring.probabilities",
    "stream_probabilities": "scoring.probabilities",
}
__all__ = list(_PUBLIC)
_isolate_libraries()
_quiet_tensorflow()


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'atomicvad' has no attribute {name!r}")
    return getattr(import_module(f"atomicvad.{_PUBLIC[name]}"), name)
