"""A user's own settings of the libraries stay outside: what is computed and drawn is the same.

Keras, numba, TensorFlow, matplotlib and Jupyter read files below a home directory and environment
variables when they are loaded. Here they are pointed elsewhere before.
"""

import os
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

# Keras reads ``keras.json`` here instead of in the user's home, and leaves it as it is.
KERAS = {
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": str(Path(__file__).resolve().with_name("keras_home")),
}
# They change how kernels and graphs are compiled, or make all slow. Where compiled code is kept may
# be chosen.
COMPILERS = ("NUMBA_", "TF_XLA_FLAGS", "TF_USE_LEGACY_KERAS")
KEPT = ("NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
# Figures are drawn for files; Jupyter's own templates come before the user's.
PAGES = {"MPLBACKEND": "agg", "JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_PLATFORM_DIRS": "1"}
STARTUP = ("MATPLOTLIBRC", "JUPYTER_PATH", "PYTHONSTARTUP")


def isolate_libraries(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set what numbers depend on; before any of these libraries is imported."""
    environment.update(KERAS)
    for name in list(environment):
        if name.startswith(COMPILERS) and name not in KEPT:
            del environment[name]


def isolate_process(environment: MutableMapping[str, str] = os.environ) -> str | None:
    """Set what a command's pages and figures depend on, and find it a home directory.

    Returns:
        A notice, where there was none: caches and downloads then lie in a temporary folder.
    """
    environment.update(PAGES)
    for name in STARTUP:
        environment.pop(name, None)
    if _has_home():
        return None
    home = Path(tempfile.gettempdir(), f"atomicvad-{os.getuid()}")
    home.mkdir(mode=0o700, exist_ok=True)
    environment["HOME"] = str(home)
    return f"no home directory that can be written to: caches are kept in {home}"


def _has_home() -> bool:
    try:
        home = Path.home()
    except RuntimeError:  # neither HOME nor an entry for the user
        return False
    return home.is_absolute() and os.access(home, os.W_OK)


def kernel_environment(folder: Path) -> dict[str, str]:
    """The environment of a notebook's kernel: figures inline, none of the user's startup files.

    Args:
        folder: of the kernel alone, for what IPython writes.
    """
    environment = dict(os.environ)
    environment.pop("MPLBACKEND", None)
    return environment | {"IPYTHONDIR": str(folder / "ipython")}
