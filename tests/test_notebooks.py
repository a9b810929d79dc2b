"""Notebooks run with strict parameters, and a failed one leaves no target behind."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
import papermill
import pytest
import zmq

from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.report.notebooks import check_parameters, run_notebook


def toy(path, code):
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}
    )
    cell = nbformat.v4.new_code_cell("seed = 1", metadata={"tags": ["parameters"]})
    notebook.cells = [cell, nbformat.v4.new_code_cell(code)]
    nbformat.write(notebook, path)
    return path


def test_a_notebook_becomes_a_page(tmp_path):
    source = toy(tmp_path / "toy.ipynb", "print(seed * 111)")
    run_notebook(source, tmp_path / "out" / "toy.ipynb", {"seed": 3})
    page = (tmp_path / "out" / "toy.html").read_text()
    assert "333" in page and "print(seed" not in page
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"toy.ipynb", "toy.html", "toy.log"}
    assert (tmp_path / "out" / "toy.log").read_text() == "333\n"


def test_notices_and_bars_stay_off_the_screen(tmp_path, capfd):
    code = "import os\nfrom tqdm.auto import tqdm\nos.write(2, b'a library speaks\\n')\n"
    code += "for _ in tqdm(range(2), desc='bar'):\n    print('the notebook speaks')"
    source = toy(tmp_path / "toy.ipynb", code)
    run_notebook(source, tmp_path / "out.ipynb", {"seed": 3}, echo=True)
    screen = capfd.readouterr()
    assert screen.out == "the notebook speaks\n" * 2 and screen.err == ""
    page, log = ((tmp_path / f"out.{kind}").read_text() for kind in ("html", "log"))
    assert "the notebook speaks" in page and "the notebook speaks" in log
    assert "a library speaks" not in page and "a library speaks" in log
    assert "bar:" not in page + log


def test_an_unknown_parameter_is_named_and_nothing_runs(tmp_path):
    source = toy(tmp_path / "toy.ipynb", "print(seed)")
    with pytest.raises(AtomicVADError, match="unknown parameter 'sed'; this notebook takes seed"):
        run_notebook(source, tmp_path / "out.ipynb", {"sed": 1})
    assert not (tmp_path / "out.ipynb").exists()


def test_a_failed_notebook_leaves_its_remains_only(tmp_path):
    source = toy(tmp_path / "toy.ipynb", "print('before')\nraise RuntimeError('broken here')")
    with pytest.raises(AtomicVADError, match="broken here") as caught:
        run_notebook(source, tmp_path / "out.ipynb", {"seed": 3})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.ipynb").exists() and not (tmp_path / "out.html").exists()
    assert "before" in (tmp_path / "out.failed.ipynb").read_text()
    assert "broken here" in (tmp_path / "out.log").read_text()


def test_kernels_take_no_ports(tmp_path):
    """Two that start together would choose the same: they talk through files of their own."""
    code = "import json, ipykernel.connect as c\nprint(c.get_connection_info())"
    source = toy(tmp_path / "toy.ipynb", code)
    run_notebook(source, tmp_path / "out.ipynb", {"seed": 3})
    said = json.loads((tmp_path / "out.log").read_text())
    assert said["transport"] == "ipc" and said["ip"].endswith("/socket")
    assert not Path(said["ip"]).parent.exists()


def test_kernels_that_start_together_do_not_meet(tmp_path):
    """Two at a time, over and over: as when pages are made by several processes."""
    source = toy(tmp_path / "toy.ipynb", "print(seed * 111)")
    outputs = [tmp_path / f"out-{number}.ipynb" for number in range(8)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(run_notebook, [source] * 8, outputs, [{"seed": 3}] * 8))
    # A kernel that ends may add a line of libzmq's (github.com/zeromq/libzmq/issues/1307).
    said = [path.with_suffix(".log").read_text().splitlines()[0] for path in outputs]
    assert said == ["333"] * 8


@pytest.mark.parametrize(
    ("code", "said"),
    [("import os\nos._exit(3)", "toy.ipynb: DeadKernelError: Kernel died"), ("1 +", "SyntaxError")],
)
def test_however_a_kernel_ends_it_is_one_line(tmp_path, code, said):
    source = toy(tmp_path / "toy.ipynb", code)
    with pytest.raises(AtomicVADError, match=said) as caught:
        run_notebook(source, tmp_path / "out.ipynb", {"seed": 3})
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_a_kernel_that_cannot_start_is_one_line(tmp_path, monkeypatch):
    """As when a socket is taken: the reason, and where the log is."""

    async def taken(*_, **__):
        raise zmq.ZMQError(zmq.EADDRINUSE)

    monkeypatch.setattr("jupyter_client.AsyncKernelManager.start_kernel", taken)
    source = toy(tmp_path / "toy.ipynb", "print(seed)")
    with pytest.raises(AtomicVADError, match="ZMQError: Address already in use") as caught:
        run_notebook(source, tmp_path / "out.ipynb", {"seed": 3})
    assert "\n" not in str(caught.value) and str(tmp_path / "out") in str(caught.value)
    assert not (tmp_path / "out.ipynb").exists()


def test_check_parameters_knows_its_own():
    namespace = {"profile": "smoke", "seed": 1, "_hidden": 2, "In": [], "module": pytest}
    check_parameters(namespace, "profile", "seed")
    with pytest.raises(AtomicVADError, match="'sed'"):
        check_parameters({"profile": "smoke", "sed": 1}, "profile", "seed")
    # Run again in JupyterLab, the notebook's own variables are there too.
    check_parameters(namespace | {"steps": [1]}, "profile", "seed")


def test_plain_papermill_refuses_a_misspelt_seed(tmp_path):
    source = project_root() / "notebooks" / "03_training.ipynb"
    with pytest.raises(papermill.PapermillExecutionError, match="unknown parameter 'sed'"):
        papermill.execute_notebook(source, tmp_path / "out.ipynb", {"sed": 1}, progress_bar=False)
