"""TensorFlow without what it writes onto the terminal while it is loaded.

Its notices come before its own setting for them is read, so that file descriptor 2 leads nowhere
for as long as it is imported. Errors of the import are exceptions, and are not lost.
"""

import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

LIBRARY = "tensorflow"


class QuietImport(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``tensorflow`` as Python does, and loads it quietly."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The library's spec, once."""
        if fullname != LIBRARY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the library's own loader does."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load the library."""
        module.__spec__.loader = module.__loader__ = self.loader  # type: ignore[union-attr]
        with silenced():
            self.loader.exec_module(module)


@contextmanager
def silenced() -> Iterator[None]:
    """File descriptor 2 leads nowhere meanwhile."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def quiet_tensorflow() -> None:
    """Load TensorFlow quietly once it is imported, and let it log errors of its own alone."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if LIBRARY not in sys.modules:
        sys.meta_path.insert(0, QuietImport())
