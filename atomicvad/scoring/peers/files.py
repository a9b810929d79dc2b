"""Files of packages whose import would need a framework, or much else, that is not used."""

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any


def package_folder(name: str) -> Path:
    """The folder of an installed package; nothing of it is imported.

    Raises:
        ImportError: it is not installed.
    """
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError("not installed")
    return Path(spec.origin).parent


def load_module(path: Path) -> ModuleType:
    """A module from its file, without the package around it."""
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: no module")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def onnx_session(path: Path) -> Any:
    """An ONNX model, run on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
