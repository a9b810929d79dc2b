"""Runs parameterised notebooks: strict parameters, whole outputs, HTML to read."""

import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root, replacing
from atomicvad.isolation import kernel_environment

BAR = "application/vnd.jupyter.widget-view+json"  # what a tqdm bar is in a notebook
PLAIN = (int, float, str, bool, list, dict, type(None))


def check_parameters(namespace: MutableMapping[str, Any], *known: str) -> None:
    """Refuse a notebook's variables that are no parameters of it.

    papermill only warns of a misspelt parameter, and sets it. A notebook calls this right after
    its parameters, so that it stops whoever runs it; when the cell is run again, the notebook's own
    variables are there too, and nothing is judged.

    Raises:
        AtomicVADError: names the unknown parameter and the known ones.
    """
    if namespace.get("_parameters_checked"):
        return
    for name, value in namespace.items():
        hidden = name.startswith("_") or name in ("In", "Out")
        if not hidden and name not in known and isinstance(value, PLAIN):
            _refuse(name, known)
    namespace["_parameters_checked"] = True


def _refuse(name: str, known: Iterable[str]) -> None:
    raise AtomicVADError(f"unknown parameter {name!r}; this notebook takes {', '.join(known)}")


def run_notebook(
    source: Path,
    output: Path,
    parameters: Mapping[str, Any],
    with_code: bool = False,
    echo: bool = False,
) -> None:
    """Execute ``source`` with papermill into ``output`` and, beside it, a log and an HTML page.

    What the notebook prints goes into ``<output>.log`` and, ``echo``, onto the terminal as it
    comes; what the libraries have to say beside it, into the log alone. A failed notebook is kept
    as ``<output>.failed.ipynb``, its traceback at the end of the log.

    Raises:
        AtomicVADError: a parameter that the notebook does not have, or a failing cell.
    """
    import papermill

    logging.getLogger("papermill").setLevel(logging.WARNING)
    known = papermill.inspect_notebook(str(source))
    for name in parameters:
        if name not in known:
            _refuse(name, known)
    failed, log = output.with_suffix(".failed.ipynb"), output.with_suffix(".log")
    failed.unlink(missing_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    with replacing(output) as temporary, open(log, "a", encoding="utf-8") as file:
        try:
            papermill.execute_notebook(
                str(source),
                str(temporary.with_suffix(".ipynb")),
                parameters=dict(parameters),
                cwd=str(project_root() / "notebooks"),
                progress_bar=False,
                stdout_file=_Echo(file) if echo else file,
                kernel_manager_class=_quiet_kernel(file),
                extra_arguments=["--log-level=CRITICAL"],
            )
        except Exception as error:  # whatever a kernel, its sockets or a cell can die of
            traceback.print_exc(file=file)
            raise AtomicVADError(_failure(source, error, temporary, failed)) from None
        with replacing(output.with_suffix(".html")) as page:
            page.write_text(to_html(temporary, output.stem, with_code), encoding="utf-8")


def _failure(source: Path, error: Exception, unfinished: Path, failed: Path) -> str:
    """What went wrong, in one line; what was executed is kept as ``failed``."""
    name = getattr(error, "ename", type(error).__name__)
    reason = f"{name}: {getattr(error, 'evalue', error)}"
    text = f"{source.name}: {' '.join(reason.split())}"
    if not unfinished.is_file():
        return f"{text} (its log: {failed.with_name(failed.name.replace('.failed.ipynb', '.log'))})"
    os.replace(unfinished, failed)
    return f"{text} (see {failed})"


def _quiet_kernel(log: TextIO) -> type:
    """A kernel manager whose kernels write their own notices into ``log``.

    They run in this Python, whatever a user has installed as ``python3``. They are talked to
    through sockets in a folder of their own: ports are chosen before they are used, and another
    process may take one in between.
    """
    from ipykernel.kernelspec import RESOURCES, get_kernel_dict
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec

    class QuietKernel(AsyncKernelManager):
        transport = "ipc"

        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())

        async def start_kernel(self, **options: Any) -> None:
            self.folder = tempfile.TemporaryDirectory(prefix="atomicvad-")
            self.connection_file = str(Path(self.folder.name) / "kernel.json")
            self.ip = str(Path(self.folder.name) / "socket")
            options["env"] = kernel_environment(Path(self.folder.name))
            await super().start_kernel(stderr=log, **options)

        async def cleanup_resources(self, restart: bool = False) -> None:
            await super().cleanup_resources(restart)
            if not restart:
                self.folder.cleanup()

    return QuietKernel


class _Echo:
    """A file whose text is also shown on the terminal."""

    def __init__(self, file: TextIO):
        self.file = file

    def write(self, text: str) -> None:
        self.file.write(text)
        tqdm.write(text, end="")

    def flush(self) -> None:
        self.file.flush()
        sys.stdout.flush()


def is_on_pages(cell: Any) -> bool:
    """Whether a cell stands on a page: not one for those alone who run the notebook."""
    return "remove-cell" not in cell.metadata.get("tags", ())


def is_shown(output: Any) -> bool:
    """Whether an output of a cell stands on a page: no logs and no progress bars."""
    return output.get("name") != "stderr" and BAR not in output.get("data", {})


def to_html(notebook: Path, title: str, with_code: bool) -> str:
    """A notebook as a page of its own, pictures and sounds inside; without logs and bars."""
    import nbformat
    from nbconvert import HTMLExporter

    content = nbformat.read(notebook, as_version=4)
    content.metadata.pop("widgets", None)
    content.cells = list(filter(is_on_pages, content.cells))
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.outputs = [part for part in cell.outputs if is_shown(part)]

    exporter = HTMLExporter(exclude_input=not with_code, exclude_input_prompt=True)
    exporter.exclude_output_prompt = True
    page, _ = exporter.from_notebook_node(content, resources={"metadata": {"name": title}})
    return page
