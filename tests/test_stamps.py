"""One rule of freshness: what an edit marks as out of date, and what it does not."""

import gc
import json
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import grimp
import pytest

from atomicvad import stamps
from atomicvad.files import project_root
from atomicvad.report.pages import PAGES
from atomicvad.runs.state import MAKERS

MODULES = [
    path.relative_to(project_root()).with_suffix("").as_posix().replace("/", ".")
    for path in sorted((project_root() / "atomicvad").rglob("*.py"))
    if path.name != "__init__.py"
]
PACKAGES = [
    path.parent.relative_to(project_root()).as_posix().replace("/", ".")
    for path in sorted((project_root() / "atomicvad").rglob("*/__init__.py"))
]
# Prints the code of every stage, whenever a line comes in; unedited modules are read once.
STAGES = """
import json
import sys

from atomicvad import stamps
from atomicvad.config import load_profile
from atomicvad.data import prepare, testset
from atomicvad.evaluation import atlas
from atomicvad.files import project_root
from atomicvad.report import collate
from atomicvad.report.pages import PAGES
from atomicvad.runs.state import MAKERS
from atomicvad.scoring import peer_scores, released_checkpoints


def until_edited(cached):
    results = {}

    def function(module):
        key = module, stamps._file(module).stat().st_mtime_ns
        if key not in results:
            results[key] = cached.__wrapped__(module)
        return results[key]

    return function


stamps._code, stamps.imports_of = until_edited(stamps._code), until_edited(stamps.imports_of)
notebooks, settings = project_root() / "notebooks", load_profile("smoke")
for _ in sys.stdin:
    stages = {"store": prepare.store_fingerprint(settings)}
    stages["prepared"] = prepare.prepared_fingerprint(settings)
    stages["clips"] = stamps.code_of(testset.__name__)
    stages |= {stage: stamps.code_of(*makers) for stage, makers in MAKERS.items()}
    stages["peers"] = stamps.code_of(peer_scores.__name__)
    stages["released"] = stamps.code_of(released_checkpoints.__name__)
    stages["atlas"] = stamps.code_of(atlas.__name__)
    stages["tables"] = stamps.code_of(collate.__name__)
    for name, page in PAGES.items():
        code = stamps.code_of_notebook(notebooks / f"{page.notebook}.ipynb")
        stages[f"page {name}"] = code
    print(json.dumps(stages), flush=True)
"""
# The modules that each stage's files come from; pages are added below from their notebooks.
ROOTS = {
    "store": ["atomicvad.data.store", "atomicvad.corpora.generated"],
    "prepared": ["atomicvad.data.prepare"],
    "clips": ["atomicvad.data.testset"],
    **{stage: list(makers) for stage, makers in MAKERS.items()},
    "peers": ["atomicvad.scoring.peer_scores"],
    "released": ["atomicvad.scoring.released_checkpoints"],
    "atlas": ["atomicvad.evaluation.atlas"],
    "tables": ["atomicvad.report.collate"],
}


@pytest.fixture(scope="module")
def graph():
    """Imports as an independent library reads them."""
    return grimp.build_graph("atomicvad", exclude_type_checking_imports=True, cache_dir=None)


def upstream(graph, modules):
    """``modules``, all they import, and the packages that these lie in, until nothing is new."""
    found, more = set(), set(modules)
    while more - found:
        found |= more
        more = found.union(*(graph.find_upstream_modules(module) for module in found))
        more |= {package for package in PACKAGES for name in more if name.startswith(package + ".")}
    return found


@pytest.mark.parametrize("module", MODULES)
def test_the_closure_is_what_another_library_finds(graph, module):
    assert set(stamps.closure(module)) - {"atomicvad"} == upstream(graph, [module]) - {"atomicvad"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project's code and notebooks once more, to be edited."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("atomicvad", "profiles", "notebooks"):
        shutil.copytree(project_root() / name, folder / name, ignore=ignored)
    return folder


class Stages:
    """A process that tells the stages' fingerprints of the code as it is at that moment."""

    def __init__(self, folder):
        script = folder / "stages.py"
        script.write_text(STAGES)
        self.process = subprocess.Popen(
            [sys.executable, script],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        )

    def __call__(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def stages(copy):
    """Fingerprints by stage, whenever it is called."""
    stages = Stages(copy)
    yield stages
    stages.process.stdin.close()
    stages.process.wait()


def marked(before, after):
    return {stage for stage in before if before[stage] != after[stage]}


@pytest.mark.parametrize("module", [*MODULES, *PACKAGES])
def test_an_edit_marks_the_stages_whose_closure_holds_it(copy, stages, graph, module):
    """Of code; one of comments, docstrings and layout marks none."""
    file = copy / (module.replace(".", "/") + ".py")
    if module in PACKAGES:
        file = file.with_suffix("") / "__init__.py"
    source, before = file.read_text(), stages()
    try:
        file.write_text(
            "# Another comment.\n" + source.replace('"""', '"""Once more: ', 1) + "\n\n"
        )
        assert marked(before, stages()) == set()
        file.write_text(source + "\n\nANOTHER_CONSTANT = 1\n")
        changed = marked(before, stages())
    finally:
        file.write_text(source)
    pages = {
        f"page {name}": sorted(imported_by_notebook(page.notebook)) for name, page in PAGES.items()
    }
    expected = {
        stage for stage, roots in (ROOTS | pages).items() if module in upstream(graph, roots)
    }
    assert changed == expected


def imported_by_notebook(name):
    """Modules that a notebook imports, by its text."""
    cells = json.loads((project_root() / "notebooks" / f"{name}.ipynb").read_text())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    for package, names in re.findall(r"^from (atomicvad[\w.]*) import (.+)$", text, re.MULTILINE):
        for part in names.split(","):
            full = f"{package}.{part.strip()}"
            yield full if full in MODULES else package


def test_what_a_stage_is_made_from_counts_by_content(tmp_path):
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder" / "a.csv"
    file.write_text("1")
    first = stamps.content_of([file, tmp_path / "missing"], tmp_path)
    assert list(first) == ["folder/a.csv"]
    file.touch()
    assert stamps.content_of([file], tmp_path) == first
    file.write_text("2")
    assert stamps.content_of([file], tmp_path) != first


def test_data_files_beside_a_module_count_as_its_code(copy, stages):
    before, table = stages(), copy / "atomicvad" / "report" / "printed.csv"
    content = table.read_bytes()
    table.write_bytes(content + b"\n")
    (table.parent / "ledger.py").touch()  # that it is read again
    try:
        assert "tables" in marked(before, stages())
    finally:
        table.write_bytes(content)
        (table.parent / "ledger.py").touch()


def test_a_stamp_is_current_only_for_its_fingerprint(tmp_path):
    stamp = tmp_path / ".stamp"
    assert not stamps.is_current(stamp, "a")
    stamps.write_stamp(stamp, "a")
    assert stamps.is_current(stamp, "a") and not stamps.is_current(stamp, "b")


def test_threads_may_ask_at_the_same_time():
    """As the seeds of a Dask worker do: ``ast.parse`` does not bear a switch of threads.

    The garbage collector, which runs while it builds its nodes, makes the threads switch here.
    """
    asked = ["atomicvad.evaluation.atlas", *(name for makers in MAKERS.values() for name in makers)]
    expected, thresholds = [stamps.code_of(module) for module in asked], gc.get_threshold()

    def switch(phase, info):
        time.sleep(0)

    stamps._code.cache_clear()
    stamps.imports_of.cache_clear()
    gc.callbacks.append(switch)
    gc.set_threshold(500)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(stamps.code_of, asked)) == expected
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(switch)
