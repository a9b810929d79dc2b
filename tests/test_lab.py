"""Every notebook runs with its defaults, in JupyterLab where there is a browser for it."""

import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from lab import Lab, running
from processes import keep_some_peers
from test_checkout import git, set_up
from toolchain import browser

from atomicvad.files import project_root
from atomicvad.report.notebooks import run_notebook

NOTEBOOKS = project_root() / "notebooks"
SLIDERS = {"00_start": 6, "02_augmentation": 5, "06_atlas": 3}
NOISE = r"Warning|Traceback|Exception ignored|oneDNN|IProgress|<[a-z.]+ object"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A repository of the project, so that notebooks leave nothing in the checkout.

    Notebooks are run in order, and each finds what those before it have prepared, trained and
    scored. The released checkpoints are not there: ``test_released`` scores them.
    """
    folder, patch = tmp_path_factory.mktemp("project"), pytest.MonkeyPatch()
    for name in ("atomicvad", "notebooks", "profiles", "tools"):
        shutil.copytree(project_root() / name, folder / name)
    keep_some_peers(folder)
    (folder / "results").mkdir()
    shutil.copy(project_root() / "results" / "benchmarks.csv", folder / "results")
    for name in (".gitattributes", ".gitignore"):
        shutil.copy(project_root() / name, folder)
    wrapper = folder / ".venv" / "bin" / "python"
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    wrapper.chmod(0o755)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "all")
    set_up(folder)
    patch.setenv("PYTHONPATH", str(folder))
    patch.delenv("ATOMICVAD_PUBLISHED", raising=False)
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def lab(project) -> Lab | None:
    """JupyterLab, if there is a browser."""
    if not browser() or not find_spec("playwright"):
        yield None
        return
    with running(project) as lab:
        yield lab


def run(name: str, path: Path, lab: Lab | None) -> None:
    """All cells of a notebook, and its sliders moved; by papermill where there is no browser."""
    if lab is None:
        run_notebook(path, path, {})
        return
    lab.open(name)
    lab.run_all()
    sliders = SLIDERS.get(name, 0)
    assert lab.move_sliders(sliders) == sliders
    lab.save()
    lab.close()


@pytest.mark.parametrize("name", sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
def test_each_notebook_runs_with_its_defaults(name, project, lab):
    """On the ``smoke`` profile. Sliders move pictures, nothing is red, and nothing that a library
    has to say is among the outputs, nor a value as Python writes it. git does not see it.
    """
    path = project / "notebooks" / f"{name}.ipynb"
    run(name, path, lab)
    cells = [one for one in nbformat.read(path, 4).cells if one.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert [one.traceback for one in outputs if one.output_type == "error"] == []
    assert all(cell.execution_count for cell in cells)
    assert [one.text for one in outputs if one.get("name") == "stderr"] == []
    said = "".join(one.text for one in outputs if one.output_type == "stream")
    assert not re.search(NOISE, said)
    bare = [one.data for one in outputs if set(one.get("data", ())) == {"text/plain"}]
    assert bare == []
    if lab is not None:
        assert lab.red == [] and lab.complaints == []
        assert git(project, "status", "--short") == ""


def test_the_first_notebook_is_opened_first_and_nothing_is_asked(lab):
    if lab is None:
        pytest.skip("no Chromium here: install the package chromium")
    assert "/lab/tree/00_start.ipynb" in lab.first
    assert lab.page.locator(".Toastify__toast").count() == 0
