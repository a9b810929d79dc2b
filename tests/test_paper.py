"""``make reproduce PROFILE=paper`` on a small tree of the corpora's true layouts."""

import os
import shutil
import subprocess
import sys

import pandas as pd
import trees
import yaml
from processes import keep_some_peers

from atomicvad.files import project_root

ROOT = project_root()
PARTS = ("atomicvad", "notebooks", "profiles", "tools", "Makefile", "pyproject.toml")


def borrow_environment(folder):
    """Commands that use this environment's Python, and can write nothing into it."""
    (folder / "bin").mkdir(parents=True)
    commands = {"python": "", "atomicvad": "-c 'from atomicvad.cli.main import main; main()'"}
    for name, arguments in commands.items():
        script = folder / "bin" / name
        # make leaves PYTHONPATH out, and the kernels of notebooks begin in another folder.
        found = f'export PYTHONPATH="{folder.parent}"'
        script.write_text(f'#!/bin/sh\n{found}\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    (folder / ".ready").write_text(str(folder.parent))


def test_make_reproduces_the_paper(tmp_path):
    """All of the paper's settings but the counts, the epochs and the number of seeds."""
    checkout = tmp_path / "checkout"
    for name in (*PARTS, "requirements.lock", "README.md"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        checkout.mkdir(exist_ok=True)
        copy(ROOT / name, checkout / name)
    keep_some_peers(checkout)
    borrow_environment(checkout / ".venv")
    profile = checkout / "profiles" / "paper.yaml"
    values = yaml.safe_load(profile.read_text())
    values["seeds"] = values["seeds"][:1]
    values["windows"]["counts"] = {"training": 128, "validation": 128, "testing": 128}
    values["training"] = {"epochs": 1}
    profile.write_text(yaml.safe_dump(values))
    for name in ("speech_commands", "freesound", "ava_speech"):
        trees.BUILDERS[name](tmp_path / "corpora" / name)
    environment = os.environ | {"ATOMICVAD_CORPORA": str(tmp_path / "corpora"), "JOBS": "1"}
    environment.pop("ATOMICVAD_PUBLISHED", None)
    environment.pop("MAKEFLAGS", None)
    before = set(os.listdir(checkout))
    result = subprocess.run(
        ["make", "reproduce", "PROFILE=paper"],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "training speech: 120 of 128 windows are drawn again" in result.stdout + result.stderr
    assert set(os.listdir(checkout)) - before == {"data", "runs", "site"}  # which git ignores
    folder = checkout / "runs" / "paper"
    metrics = pd.read_csv(folder / "seed-43185" / "metrics.csv")
    assert set(metrics["dataset"]) == {"AVA-Speech (3 of 4 clips)"}
    assert {"auroc", "f2"} <= set(metrics["metric"])
    summary = pd.read_csv(folder / "summary.csv")
    assert set(summary["dataset"]) == {"AVA-Speech (3 of 4 clips)"}
    for page in ("data", "augmentation", "report"):
        assert (folder / f"{page}.html").stat().st_size > 10_000
