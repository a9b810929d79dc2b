"""The one rule of freshness: a file is current when its stamp matches what would make it now.

A stamp holds a fingerprint of everything a file is made from: the content of its inputs, its
settings, and the code that makes it. That code is found, not listed: ``code_of(module)`` is the
module and whatever it imports from this package, directly or not. Comments, docstrings and layout
do not count; a data file that a module names beside itself does.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

from atomicvad.files import replacing

_PACKAGE = Path(__file__).parent
# CPython's ast.parse fails in one of two threads that are in it at a time.
_PARSING = RLock()


def fingerprint(*parts: Any) -> str:
    """SHA-256 over the canonical JSON of ``parts``."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def content_of(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """SHA-256 of every one of ``paths`` that is a file, by its name relative to ``root``."""
    return {
        path.relative_to(root).as_posix(): _digest(path, status.st_size, status.st_mtime_ns)
        for path in sorted(paths)
        if path.is_file() and (status := path.stat())
    }


@cache
def _digest(path: Path, size: int, modified: int) -> str:
    """SHA-256 of a file, read once as long as its size and time stay the same."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_current(stamp: Path, expected: str) -> bool:
    """Whether the file ``stamp`` holds the fingerprint ``expected``."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == expected


def write_stamp(stamp: Path, value: str) -> None:
    """Write a fingerprint; the last step of whatever made the files beside ``stamp``."""
    with replacing(stamp) as path:
        path.write_text(value + "\n", encoding="utf-8")


def code_of(*modules: str) -> str:
    """Fingerprint of the code behind ``modules`` (dotted names within this package)."""
    with _PARSING:
        return fingerprint({name: _code(name) for name in closure(*modules)})


def code_of_notebook(path: Path) -> str:
    """Fingerprint of a notebook's cells, without outputs, and of all that they import from here."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    with _PARSING:
        trees = [ast.parse(_source(cell)) for cell in cells if cell["cell_type"] == "code"]
        modules = {name for tree in trees for name in _imported(tree, "")}
    text = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return fingerprint(text, code_of(*sorted(modules)))


def _source(cell: dict[str, Any]) -> str:
    """A code cell without the lines that only IPython understands."""
    lines = "".join(cell["source"]).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("%", "!")))


def closure(*modules: str) -> list[str]:
    """``modules`` and every module of this package that they import, in order of name.

    Imports within functions count as well; those for type checkers alone do not. To import a module
    also runs the packages that it lies in, so these count; the root only looks names up.
    """
    reached, waiting = set(), list(modules)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [*imports_of(name), *_packages_of(name)]
    return sorted(reached)


def _packages_of(module: str) -> list[str]:
    """The packages that a module lies in, but for the root."""
    parts = module.split(".")[:-1]
    return [".".join(parts[:count]) for count in range(2, len(parts) + 1)]


@cache
def imports_of(module: str) -> tuple[str, ...]:
    """The modules of this package that one module imports."""
    tree = _tree(module)
    package = module if _file(module).name == "__init__.py" else module.rpartition(".")[0]
    return tuple(sorted(set(_imported(tree, package)) - {module}))


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parent = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                parent = ".".join([*above, *filter(None, [node.module])])
            # A name may be a module of its own, or something within ``parent``.
            names = [f"{parent}.{alias.name}" for alias in node.names]
            names = [name if _is_module(name) else parent for name in names]
        else:
            continue
        yield from (name for name in names if _is_module(name))


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below ``if TYPE_CHECKING``."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield from _nodes(child)


def _file(module: str) -> Path:
    path = _PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_module(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] == _PACKAGE.name and _file(name).is_file()


def _tree(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text(encoding="utf-8"))


@cache
def _code(module: str) -> str:
    """Fingerprint of a module's own code, and of the data files beside it that the code names."""
    tree = _tree(module)
    names = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    folder = _file(module).parent
    beside = [p for p in folder.iterdir() if p.suffix not in ("", ".py") and p.name in names]
    return fingerprint(_dump(tree), content_of(beside, folder))


def _dump(tree: ast.Module) -> str:
    """The code of a module as text, without comments, docstrings and layout."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[:1]
            if ast.get_docstring(node, clean=False) is not None and first:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
