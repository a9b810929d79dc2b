"""A checkout in any place: inside another repository, moved, with odd names and line ends."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from atomicvad.files import project_root
from atomicvad.report.saved import show_to_git

TOOLS = ("strip_notebook.sh", "notebook_filter.sh")
WHO = ("-c", "user.name=t", "-c", "user.email=t@example.org")


def git(folder: Path, *arguments: str) -> str:
    process = subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A repository with the filter's scripts, an environment and a notebook that was run."""
    folder = tmp_path / "a 'quoted' Ärger"
    (folder / "tools").mkdir(parents=True)
    for name in TOOLS:
        shutil.copy(project_root() / "tools" / name, folder / "tools")
    shutil.copy(project_root() / ".gitattributes", folder)
    (folder / ".venv" / "bin").mkdir(parents=True)
    wrapper = folder / ".venv" / "bin" / "python"
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    wrapper.chmod(0o755)
    cell = nbformat.v4.new_code_cell("print(7)", execution_count=3)
    cell.outputs = [nbformat.v4.new_output("stream", text="seven\n")]
    python = {"name": "python", "version": "3.99.1", "codemirror_mode": {"name": "ipython"}}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"language_info": python})
    nbformat.write(notebook, folder / "run.ipynb")
    return folder


def set_up(folder: Path) -> None:
    subprocess.run(["bash", "tools/notebook_filter.sh"], cwd=folder, check=True)


def committed(folder: Path) -> str:
    git(folder, "add", "run.ipynb", ".gitattributes", "tools")
    return git(folder, "show", ":run.ipynb")


def test_outputs_stay_out_also_where_the_checkout_was_moved(checkout):
    git(checkout, "init", "-q")
    set_up(checkout)
    assert "seven" not in committed(checkout) and "print(7)" in committed(checkout)
    assert "3.99.1" not in committed(checkout) and "ipython" not in committed(checkout)
    moved = checkout.rename(checkout.with_name("moved"))
    assert git(moved, "status", "--short", "run.ipynb") == "A  run.ipynb\n"
    (moved / "run.ipynb").write_text((moved / "run.ipynb").read_text().replace("print(7)", "8"))
    assert "seven" not in committed(moved) and "print(7)" not in committed(moved)
    assert "seven" not in git(moved, "diff", "--cached")


def test_git_is_told_that_only_outputs_have_changed(checkout):
    git(checkout, "init", "-q")
    set_up(checkout)
    committed(checkout)
    git(checkout, "commit", "-qm", "all")
    path, notebook = checkout / "run.ipynb", {"type": "notebook"}
    path.write_text(path.read_text().replace("seven", "seven and a half"))
    show_to_git(str(path), notebook, None)
    assert git(checkout, "status", "--short", "*.ipynb") == ""
    path.write_text(path.read_text().replace("print(7)", "print(8)"))
    own = shutil.copy(path, checkout / "own.ipynb")
    for one in (path, own):
        show_to_git(str(one), notebook, None)
    assert git(checkout, "status", "--short", "*.ipynb") == " M run.ipynb\n?? own.ipynb\n"


def test_without_the_environment_git_works(checkout):
    git(checkout, "init", "-q")
    set_up(checkout)
    shutil.rmtree(checkout / ".venv")
    assert "print(7)" in committed(checkout)
    git(checkout, "commit", "-qm", "as it is")
    assert git(checkout, "status", "--short") == "" and "print(7)" in git(checkout, "log", "-p")


def test_the_repository_around_is_left_alone(checkout):
    around = checkout.parent
    git(around, "init", "-q")
    git(around, "config", "filter.nbstripout.clean", "its own")
    before = (around / ".git" / "config").read_bytes()
    set_up(checkout)
    assert (around / ".git" / "config").read_bytes() == before


def test_line_ends_survive_another_systems_git(checkout):
    git(checkout, "init", "-q")
    set_up(checkout)
    committed(checkout)
    git(checkout, "commit", "-qm", "all")
    clone = checkout.with_name("clone")
    git(checkout.parent, "-c", "core.autocrlf=true", "clone", "-q", str(checkout), str(clone))
    for name in (".gitattributes", *(f"tools/{tool}" for tool in TOOLS)):
        assert (clone / name).read_bytes() == (checkout / name).read_bytes()


def made(*arguments: str) -> str:
    """What make would do, in the project."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    command = ["make", "-n", "-o", ".venv/.ready", *arguments]
    return subprocess.run(
        command, cwd=project_root(), env=environment, capture_output=True, text=True, check=False
    ).stdout


def test_a_name_with_j_in_it_trains_in_parallel():
    assert "-j2 " in made("report", "PROFILE=my-jazz")
    assert "-j2 " not in made("-j1", "report", "PROFILE=my-jazz")


def test_an_environment_made_for_another_place_is_made_anew(tmp_path):
    shutil.copy(project_root() / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml", "tools/environment.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    ready = tmp_path / ".venv" / ".ready"
    ready.parent.mkdir()
    outcomes = []
    for place in (tmp_path, "/somewhere/else"):
        ready.write_text(f"{place}\n")
        command = ["make", "-n", "data"]
        process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        outcomes.append("environment.sh" in process.stdout)
    assert outcomes == [False, True]
