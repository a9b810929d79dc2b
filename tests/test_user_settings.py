"""A user's own settings change no byte: of Keras, matplotlib, Jupyter, numba, the locale, the home.

Real processes train a seed, draw a figure and run a notebook, as the command line does, once as
here and once in surroundings that would change each of these.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest
from processes import Checkout, assert_same_run

from atomicvad import isolation
from atomicvad.arithmetic import can_be_pinned

STAGES = """
from atomicvad.isolation import isolate_process
print("notice:", isolate_process())
import pandas as pd
from atomicvad.config import load_profile
from atomicvad.runs.seed import run_seed
run_seed(load_profile("tiny"), 1)
from atomicvad.report import figures
from atomicvad.report.notebooks import run_notebook
from atomicvad.report.style import save
from pathlib import Path
history = pd.read_csv("runs/tiny/seed-1/history.csv").assign(seed=1)
save(figures.training_curves(history), Path("drawn"), "curves")
run_notebook(Path("notebooks/toy.ipynb"), Path("drawn/toy.ipynb"), {"seed": 1})
"""
CELL = """
import keras
from atomicvad import load_model
import matplotlib.pyplot as plt
from atomicvad.report import style
plt.plot([0, 1])
print(keras.config.backend(), keras.config.floatx(), keras.config.image_data_format())
"""
ME = os.getuid()


@pytest.fixture(scope="module")
def plain(checkout: Checkout, tmp_path_factory) -> Checkout:
    """The stages as they are made here."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}
    )
    parameters = nbformat.v4.new_code_cell("seed = 1", metadata={"tags": ["parameters"]})
    notebook.cells = [parameters, nbformat.v4.new_code_cell(CELL)]
    copy = checkout.copy(tmp_path_factory.mktemp("plain") / "checkout")
    (copy.folder / "notebooks").mkdir()
    nbformat.write(notebook, copy.folder / "notebooks" / "toy.ipynb")
    assert "notice: None" in copy.run(STAGES)
    return copy


def again(plain: Checkout, folder: Path) -> Checkout:
    """A copy of the checkout with the notebook, without results."""
    copy = plain.copy(folder)
    shutil.copytree(plain.folder / "notebooks", copy.folder / "notebooks")
    return copy


def assert_same(found: Checkout, plain: Checkout) -> None:
    if can_be_pinned():
        assert_same_run(found.run_folder(1), plain.run_folder(1))
        drawn = [checkout.folder / "drawn" / "curves.png" for checkout in (found, plain)]
        assert drawn[0].read_bytes() == drawn[1].read_bytes()
    pages = [(checkout.folder / "drawn" / "toy.html").read_text() for checkout in (found, plain)]
    assert "tensorflow float32 channels_last" in pages[0]
    assert "image/png" in pages[0] and len(pages[0]) == pytest.approx(len(pages[1]), rel=0.01)


def others_may_run(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.timeout(900)
def test_settings_in_a_users_home_change_nothing(plain, tmp_path):
    home = tmp_path / "home of a user"
    keras = {"backend": "torch", "floatx": "float16", "image_data_format": "channels_first"}
    write(home / ".keras/keras.json", json.dumps(keras | {"epsilon": 0.5}))
    rc = "lines.linewidth: 20\ntext.usetex: True\nfigure.figsize: 1, 1\nbackend: TkAgg\n"
    write(home / ".config/matplotlib/matplotlibrc", rc)
    write(home / ".ipython/profile_default/startup/00.py", "import os\nos._exit(3)\n")
    write(home / ".ipython/profile_default/ipython_config.py", "raise SystemExit(3)\n")
    kernel = {"argv": ["/bin/false"], "display_name": "mine", "language": "python"}
    write(home / ".local/share/jupyter/kernels/python3/kernel.json", json.dumps(kernel))
    write(home / ".local/share/jupyter/nbconvert/templates/lab/index.html.j2", "my own template")
    write(home / "python/numpy.py", "raise SystemExit('not this one')\n")
    found = again(plain, tmp_path / "Büro's checkout")
    environment = found.environment | {
        "HOME": str(home),
        "KERAS_BACKEND": "torch",
        "KERAS_HOME": str(home / ".keras"),
        "MPLBACKEND": "TkAgg",
        "MPLCONFIGDIR": str(home / ".config/matplotlib"),
        "MATPLOTLIBRC": str(home / ".config/matplotlib/matplotlibrc"),
        "JUPYTER_PATH": str(home / ".local/share/jupyter"),
        "IPYTHONDIR": str(home / ".ipython"),
        "PYTHONSTARTUP": str(home / "python/numpy.py"),
        "PYTHONHASHSEED": "7",
        "NUMBA_OPT": "0",
        "NUMBA_DISABLE_JIT": "1",
        "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
        "LC_ALL": "tr_TR.UTF-8",
        "TZ": "Asia/Kathmandu",
    }
    assert "notice: None" in found.run(STAGES, environment=environment, umask=0o077)
    assert_same(found, plain)


@pytest.mark.timeout(900)
def test_without_home_user_and_second_processor_nothing_changes(plain):
    """As in a container: a user without an entry, one of the machine's processors."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="without-home-") as folder:
        found = again(plain, Path(folder) / "checkout")
        kept = ("PATH", "PYTHONPATH", "TQDM_DISABLE", "LANG")
        environment = {name: v for name, v in found.environment.items() if name in kept}
        options = {}
        if ME == 0 and others_may_run(Path(sys.executable).resolve()):  # root becomes somebody else
            options = {"user": 54321, "group": 54321, "extra_groups": []}
            Path(folder).chmod(0o755)
            for path in [found.folder, *found.folder.rglob("*")]:
                os.chown(path, 54321, 54321, follow_symlinks=False)
        environment["HOME"] = "/nonexistent"
        one = min(os.sched_getaffinity(0))
        said = found.run(
            STAGES,
            environment=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, {one}),
            **options,
        )
        assert "no home directory that can be written to" in said
        assert_same(found, plain)


def test_a_checkout_that_may_not_be_written_to_is_one_line(plain, tmp_path):
    found = again(plain, tmp_path / "checkout")
    shutil.rmtree(found.folder / "data")
    command = "import sys; from atomicvad.cli.main import main; sys.argv[1:] = {}; main()"
    if ME == 0:
        (found.folder / "data").write_text("a file where the folder should be")
    else:
        found.folder.chmod(0o555)
    process = subprocess.run(
        [sys.executable, "-c", command.format(["data", "--profile", "tiny"])],
        cwd=found.folder, env=found.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found.folder.chmod(0o755)
    assert process.returncode and "Traceback" not in process.stderr
    assert process.stderr.splitlines()[-1].startswith("error: ")


def test_a_mirror_and_a_cache_may_be_chosen():
    environment = {"NUMBA_CACHE_DIR": "kept", "NUMBA_DEBUG": "1", "PIP_INDEX_URL": "kept"}
    isolation.isolate_libraries(environment)
    assert environment == isolation.KERAS | {"NUMBA_CACHE_DIR": "kept", "PIP_INDEX_URL": "kept"}


def test_keras_loaded_before_with_other_settings_is_refused(tmp_path):
    write(tmp_path / "keras.json", json.dumps({"floatx": "float16", "backend": "tensorflow"}))
    code = "import keras, atomicvad; atomicvad.load_model"
    environment = os.environ | {"KERAS_HOME": str(tmp_path)}
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    expected = "keras: floatx: expected float32, got float16; import atomicvad before keras"
    assert process.stderr.splitlines()[-1].endswith(expected)
