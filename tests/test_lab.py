"""Every notebook runs with its defaults, in JupyterLab where there is a browser for it."""

import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

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
NO_BROWSER = "no Chromium here: install the package chromium"
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


class Run(NamedTuple):
    """A notebook that was run, and where it is still open."""

    name: str
    path: Path
    lab: Lab | None


@pytest.fixture(scope="module", params=sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
def run(request, project, lab) -> Run:
    """A notebook after all its cells were run; by papermill where there is no browser."""
    path = project / "notebooks" / f"{request.param}.ipynb"
    if lab is None:
        run_notebook(path, path, {})
        yield Run(request.param, path, None)
        return
    lab.open(request.param)
    lab.run_all()
    lab.save()
    yield Run(request.param, path, lab)
    lab.close()


def test_each_notebook_runs_with_its_defaults(run):
    """On the ``smoke`` profile. Nothing that a library has to say is among the outputs, and no
    value as Python writes it.
    """
    cells = [one for one in nbformat.read(run.path, 4).cells if one.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert [one.traceback for one in outputs if one.output_type == "error"] == []
    assert all(cell.execution_count for cell in cells)
    assert [one.text for one in outputs if one.get("name") == "stderr"] == []
    said = "".join(one.text for one in outputs if one.output_type == "stream")
    assert not re.search(NOISE, said)
    bare = [one.data for one in outputs if set(one.get("data", ())) == {"text/plain"}]
    assert bare == []


def test_sliders_move_pictures_and_nothing_turns_red(run):
    if run.lab is None:
        pytest.skip(NO_BROWSER)
    assert run.lab.move_sliders() == SLIDERS.get(run.name, 0)
    assert run.lab.red == [] and run.lab.complaints == []


def test_git_does_not_see_that_a_notebook_was_run(run, project):
    if run.lab is None:
        pytest.skip(NO_BROWSER)
    run.lab.save()
    assert "execution_count" in run.path.read_text()
    assert git(project, "status", "--short") == ""


def test_the_first_notebook_is_opened_first(lab):
    if lab is None:
        pytest.skip(NO_BROWSER)
    assert "/lab/tree/00_start.ipynb" in lab.first
