"""The detector's C sources on this computer: as a library for Python, and under sanitizers."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from atomicvad.device.emulate.sources import SOURCE, WARNINGS, source_in
from atomicvad.device.emulate.toolchain import host_compiler
from atomicvad.errors import AtomicVADError

MAIN = Path(__file__).with_name("host.c")
SANITIZERS = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-g")


class HostDetector:
    """Both forms of the detector, compiled for this computer.

    Args:
        sources: a folder with ``atomicvad.c``, its headers, and the weights.
        folder: where the library goes.

    Raises:
        AtomicVADError: no C compiler, or the sources do not compile.
    """

    def __init__(self, sources: Path, folder: Path) -> None:
        library = folder / "atomicvad-host.so"
        detector = source_in(sources)
        host_compiler().run(
            "cc",
            *("-O3", *WARNINGS, "-shared", "-fPIC", "-I", detector.parent),
            *(MAIN, detector, "-o", library),
        )
        self.library = ctypes.CDLL(str(library))

    def windows(self, samples: np.ndarray) -> np.ndarray:
        """The logit of each window: int16 ``(n,)`` from int16 ``(n, 10080)``, in 1/256."""
        return self._each("host_windows", samples, 10080)

    def stream(self, samples: np.ndarray) -> np.ndarray:
        """The logit after each hop of a new stream: int16 ``(n,)`` from int16 ``(n, 160)``."""
        return self._each("host_stream", samples, 160)

    def _each(self, function: str, samples: np.ndarray, length: int) -> np.ndarray:
        samples = np.ascontiguousarray(samples, np.int16).reshape(-1, length)
        outputs = np.zeros(len(samples), np.int16)
        pointers = (ctypes.c_void_p(array.ctypes.data) for array in (samples, outputs))
        getattr(self.library, function)(*pointers, ctypes.c_size_t(len(samples)))
        return outputs


def run_sanitized(sources: Path, folder: Path, form: str, samples: np.ndarray) -> np.ndarray:
    """Run the detector where undefined behaviour and wrong addresses stop it.

    Args:
        sources: a folder with ``atomicvad.c``, its headers, and the weights.
        folder: where the program goes.
        form: ``window`` or ``stream``.
        samples: int16 ``(n, 10080)`` or ``(n, 160)``.

    Returns:
        int16 ``(n,)``: logits in 1/256.

    Raises:
        AtomicVADError: what the sanitizers found, in their words; or no C compiler.
    """
    program = folder / "atomicvad-sanitized"
    detector = source_in(sources)
    host_compiler().run(
        "cc",
        *("-O1", *WARNINGS, *SANITIZERS, "-I", detector.parent),
        *(MAIN, detector, "-o", program),
    )
    done = subprocess.run(
        [program, *(["window"] if form == "window" else [])],
        input=np.ascontiguousarray(samples, np.int16).tobytes(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        found = next(
            (line for line in done.stderr.decode().splitlines() if "error: " in line.lower()), "?"
        )
        raise AtomicVADError(f"{SOURCE}, {form}: {found}")
    return np.frombuffer(done.stdout, np.int16)
