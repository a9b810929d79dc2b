"""The repository keeps its promises: clean notebooks, one set of pins, numbers out of files."""

import json
import re
import subprocess
import sys

import nbformat
import pytest
import yaml

from atomicvad import config
from atomicvad.config import load_profile, settings_from
from atomicvad.files import project_root
from atomicvad.report.device_files import read_device
from atomicvad.report.device_tables import markdown_costs
from atomicvad.report.real_tables import markdown_block, real_folder
from atomicvad.report.tables import (
    DEVICE_END,
    DEVICE_START,
    README_CORES,
    REAL_END,
    REAL_START,
    TABLE_END,
    TABLE_START,
    readme_text,
)

ROOT = project_root()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def tracked() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a git checkout: there is no list of tracked files")
    return listing.stdout.splitlines()


def as_committed(path):
    """A notebook as git would commit it: it may be run and saved in between."""
    name = path.relative_to(ROOT).as_posix()
    staged = subprocess.run(
        ["git", "show", f":{name}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return nbformat.reads(staged.stdout or path.read_text(encoding="utf-8"), as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_thin_and_stripped(path):
    notebook = as_committed(path)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [c for c in code if "parameters" in c.metadata.get("tags", [])] == code[:1]
    for cell in code:
        assert not cell.outputs and cell.execution_count is None
        assert not re.search(r"^\s*(def|class) ", cell.source, re.MULTILINE)


def test_notebooks_are_numbered_through():
    assert [int(path.stem[:2]) for path in NOTEBOOKS] == list(range(len(NOTEBOOKS)))


def test_environment_has_the_pins_of_the_lock():
    sys.path.insert(0, str(ROOT / "tools"))
    from conda_environment import environment

    lock = (ROOT / "requirements.lock").read_text()
    assert (ROOT / "environment.yml").read_text() == environment(lock)
    assert lock.count("--hash=sha256:") > 500


def test_no_registry_and_no_machine_path_is_named():
    hosts = re.compile(r"(pypi|pythonhosted|npmjs|deb[.]debian)[.](org|net)|/(work|farm|root)/")
    own = "tests/test_project.py"
    for name in tracked():
        path = ROOT / name
        if (
            path.suffix in (".ogg", ".onnx", ".png", ".npz", ".keras", ".wasm")
            or name == own
            or not path.is_file()
        ):
            continue
        found = hosts.search(path.read_text(encoding="utf-8"))
        assert not found, f"{name} names {found[0]}"


def test_repository_is_small():
    assert sum((ROOT / n).stat().st_size for n in tracked() if (ROOT / n).is_file()) < 50e6


def test_readme_has_the_references_numbers(monkeypatch):
    monkeypatch.setattr(config, "project_root", lambda: ROOT)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = readme.split(TABLE_START)[1].split(TABLE_END)[0].strip()
    reference = load_profile("open").reference
    assert text == readme_text(reference)
    block = readme.split(REAL_START)[1].split(REAL_END)[0].strip()
    assert block == markdown_block(real_folder(reference))


def test_device_tables_are_those_of_device_csv(monkeypatch):
    monkeypatch.setattr(config, "project_root", lambda: ROOT)
    costs = read_device(load_profile("open").reference)
    for name, cores in (("README.md", README_CORES), ("REPRODUCING.md", ())):
        text = (ROOT / name).read_text(encoding="utf-8")
        found = text.split(DEVICE_START)[1].split(DEVICE_END)[0].strip()
        assert found == markdown_costs(costs, cores), name


def test_committed_runs_have_the_profiles_settings():
    profile = ROOT / "profiles" / "open.yaml"
    settings = settings_from(yaml.safe_load(profile.read_text()), str(profile), "open")
    for seed in settings.seeds:
        path = ROOT / "results" / "open" / f"seed-{seed}" / "run.json"
        record = json.loads(path.read_text())
        # A setting that came later has its default; how it was scored is no part of a run.
        values = record["settings"] | {"seeds": settings.seeds}
        values["evaluation"] = settings.evaluation.model_dump()
        assert settings_from(values, str(path), "open") == settings
        assert "dirty" not in record["commit"]


def test_help_answers_without_what_is_slow_to_import():
    code = "import sys; sys.argv[1:] = ['--help']; from atomicvad.cli.main import main\n"
    code += "try: main()\nexcept SystemExit: print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    slow = {"tensorflow", "keras", "numba", "pandas", "scipy", "sklearn", "matplotlib", "papermill"}
    assert slow & set(result.stdout.splitlines()[-1].split()) == set()


def test_the_table_of_the_released_training_names_what_exists():
    """Every test that protects a line, and every setting that stands for a released name."""
    text = (ROOT / "REPRODUCING.md").read_text(encoding="utf-8")
    table = text.split("| released | here | test |")[1].split("\n\n")[0]
    rows = [row.strip("|").split("|") for row in table.strip().splitlines()[1:]]
    assert len(rows) > 35 and all(len(row) == 3 for row in rows)
    for *_, test in rows:
        (name,) = re.findall(r"`(test_\w+\.py)`", test)
        assert (ROOT / "tests" / name).is_file(), name
    settings = load_profile("smoke")
    named = re.findall(
        r"\b(features|masks|waveform|model|training)\.(?!(?:py|keras)\b)([a-z]\w*)\b(?!/)", table
    )
    assert len(named) > 20
    for section, key in named:
        assert hasattr(getattr(settings, section), key), f"{section}.{key}"
