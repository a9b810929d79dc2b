"""The structure holds: stages in order, imports at the top, a core that needs few packages."""

import ast
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, requires

import pytest

from atomicvad.files import project_root

ROOT = project_root()
MODULES = sorted((ROOT / "atomicvad").rglob("*.py"))
# Imports of this package within functions, and why; commands in ``cli/`` import what they need.
DEFERRED = {
    ("atomicvad.runs.cluster", "atomicvad.runs.seed"): "a client of a cluster needs no TensorFlow",
    ("atomicvad.detection.models", "atomicvad.model"): "a plain install has no Keras",
}
# Modules that a plain install imports; the others belong to the extra ``reproduce``.
LIGHT = re.compile(
    r"atomicvad(\.(arithmetic|interrupts|isolation|quiet|errors|files|console)|\.audio(\.\w+)?|\.detection(\.\w+)?"
    r"|\.device|\.device\.(engine|weights)|\.device\.(core|integer)(\.\w+)?|\.cli(\.\w+)?)?"
)


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def deferred_imports(path):
    """Imports of this package that do not stand at a module's top."""
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("atomicvad"):
                    yield name_of(path), node.module


def test_imports_stand_at_the_top():
    modules = [path for path in MODULES if "cli" not in path.parts]
    assert {pair for path in modules for pair in deferred_imports(path)} == DEFERRED.keys()


def test_type_checkers_see_every_public_name():
    """The package looks names up when they are used; types are imported for checkers alone."""
    tree = ast.parse((ROOT / "atomicvad" / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and node.test.id[0] == "T")
    seen = {node.names[0].asname: node.module for node in block.body}
    tables = (ast.literal_eval(node.value) for node in tree.body if is_table(node))
    assert seen == {name: f"atomicvad.{module}" for one in tables for name, module in one.items()}
    assert (ROOT / "atomicvad" / "py.typed").is_file()


def is_table(node):
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)


def core_distributions():
    """The packages that an install without extras brings, by name."""
    needed, waiting = set(), ["atomicvad"]
    while waiting:
        for requirement in requires(waiting.pop()) or ():
            name = re.match(r"[\w.-]+", requirement)[0]
            marker = requirement.partition(";")[2]
            if "extra" in marker or name in needed:
                continue
            try:
                distribution(name)
            except PackageNotFoundError:  # for another system or Python
                continue
            needed.add(name)
            waiting.append(name)
    return needed


@pytest.fixture(scope="session")
def core_only(tmp_path_factory):
    """A folder with what the core's packages install, and nothing else."""
    folder = tmp_path_factory.mktemp("core")
    for name in core_distributions():
        for file in distribution(name).files or ():
            top = file.parts[0]
            source = distribution(name).locate_file(top)
            if top != ".." and not (folder / top).exists() and source.exists():
                (folder / top).symlink_to(source)
    (folder / "atomicvad").symlink_to(ROOT / "atomicvad")
    return folder


def test_the_core_needs_few_packages(core_only):
    """What detects speech imports where only a plain install's packages are."""
    light = [name_of(path) for path in MODULES if LIGHT.fullmatch(name_of(path))]
    code = f"""
import importlib, sys
sys.path.append({str(core_only)!r})
for name in {light!r}:
    importlib.import_module(name)
for name in ("tensorflow", "pandas", "scipy", "numba", "matplotlib", "av", "yaml", "sklearn"):
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    sys.exit(f"{{name}} can be imported")
"""
    command = [sys.executable, "-S", "-E", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert len(light) > 50


def test_modules_are_short():
    """About 300 lines; a longer one says here why it is one thing."""
    longer = {
        name_of(path) for path in MODULES if len(path.read_text().splitlines()) > LINES
    } - ONE_THING.keys()
    assert longer == set()


LINES = 330
ONE_THING = {
    "atomicvad.kernels.network": "the forward pass, whose parts are inlined into one kernel",
}
