"""JupyterLab as ``make lab`` starts it, in a real browser: its notebooks run, and sliders moved."""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import Watch, launched
from test_checkout import made

OPENED, RUN = 60, 600  # s that it may take at the most
ROUNDS = 3  # in which sliders that move each other are put back
HEARD = re.compile(rb'"msg_type": ?"(error|stream)"')
STDERR = re.compile(rb'"name": ?"stderr"')
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
# Every cell has its number and nothing is under way; or one has failed, and the rest is left.
FINISHED = f"""() => {{
  const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
  const numbered = prompts.every((one) => /\\d/.test(one.textContent));
  const failed = document.querySelector(".jp-OutputArea [data-mime-type$=stderr]");
  return failed || (numbered && document.querySelector("{IDLE}"));
}}"""
RENEWED = """([number, before]) => {
  const cell = document.querySelectorAll(".jp-CodeCell")[number];
  const picture = cell.querySelector(".jp-OutputArea-output img");
  return picture && picture.src !== before;
}"""
# A page asks each kernel for widgets, also one in which there are none yet.
ASKED = b"No such comm"


class Lab:
    """A server, and one page of a browser.

    Attributes:
        first: the address that ``make lab`` leads to.
        red: errors and what is written to stderr, as they come from any kernel.
    """

    def __init__(self, project: Path, address: str, page):
        self.project, self.page = project, page
        self.red: list[bytes] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._hear))
        self._watch = Watch(page)
        page.goto(address)
        self._kernel.wait_for(timeout=1e3 * OPENED)
        self.first = page.url

    def _hear(self, frame: bytes | str) -> None:
        content = frame if isinstance(frame, bytes) else frame.encode()
        kind = HEARD.search(content)
        is_red = kind and (kind[1] == b"error" or STDERR.search(content))
        if is_red and ASKED not in content:
            self.red.append(content)

    @property
    def complaints(self) -> list[str]:
        """Of the browser's console, but for those about a debugger, which nobody asked for."""
        return [one for one in self._watch.complaints if "debugger" not in one]

    def choose(self, menu: str, entry: str) -> None:
        """An entry of a menu."""
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{entry}")).click()

    def open(self, name: str) -> None:
        """A notebook from the list of files."""
        self.page.locator(f".jp-DirListing-item[title^='Name: {name}.ipynb']").dblclick()
        self.page.locator(".lm-mod-current", has_text=f"{name}.ipynb").first.wait_for()
        self._kernel.wait_for(timeout=1e3 * OPENED)
        assert self._notebook.count() == 1, "another notebook is open, with cells of its own"

    @property
    def _notebook(self):
        """It stays until its kernel has ended, and its cells with it."""
        return self.page.locator(".jp-NotebookPanel")

    @property
    def _kernel(self):
        """It waits for work; what is run before is lost."""
        return self.page.locator("#jp-main-statusbar", has_text="| Idle")

    def run_all(self) -> None:
        """All cells of the notebook, to their end."""
        self.choose("Run", "Run All Cells")
        self.page.wait_for_function(FINISHED, timeout=1e3 * RUN, polling=200)

    def save(self) -> None:
        """The notebook, into its file."""
        with self.page.expect_response(_is_saved):
            self.page.keyboard.press("Control+s")

    def close(self) -> None:
        """The notebook and its kernel."""
        self.choose("File", "Close and Shut Down Notebook")
        self.page.get_by_role("button", name="Ok").click()
        self._notebook.wait_for(state="detached", timeout=1e3 * OPENED)
        self._kernel.wait_for(state="detached")

    def move_sliders(self, least: int) -> int:
        """Each slider to an end by a key, and back by its number: the picture goes along.

        Arguments:
            least: how many sliders are waited for; they are drawn after their cell has run.

        Returns:
            How many sliders there are.
        """
        if least:
            self.page.locator(".widget-slider .noUi-handle").nth(least - 1).wait_for()
        moved, cells = 0, self.page.locator(".jp-CodeCell")
        for number in range(cells.count()):
            sliders = cells.nth(number).locator(".widget-slider")
            for place in range(sliders.count()):
                self._move(number, sliders.nth(place), sliders.locator(".widget-readout"))
                moved += 1
        return moved

    def _move(self, number: int, slider, readouts) -> None:
        """One may take another along: all numbers of the cell are as before in the end."""
        handle, values = slider.locator(".noUi-handle"), readouts.all_text_contents()
        least, value, most = (
            float(handle.get_attribute(f"aria-value{name}")) for name in ("min", "now", "max")
        )
        with self._renewed(number):
            handle.press("Home" if 2 * value >= least + most else "End")
        for _ in range(ROUNDS):
            for readout, text in zip(readouts.all(), values, strict=True):
                if readout.text_content() != text:
                    with self._renewed(number):
                        readout.fill(text.replace("\N{MINUS SIGN}", "-"))
                        readout.press("Enter")
        assert readouts.all_text_contents() == values

    @contextmanager
    def _renewed(self, number: int) -> Iterator[None]:
        """Wait for another picture below a cell."""
        picture = self.page.locator(".jp-CodeCell").nth(number).locator("img").first
        arguments = [number, picture.get_attribute("src")]
        yield
        self.page.wait_for_function(RENEWED, arg=arguments, timeout=1e3 * OPENED, polling=50)


@contextmanager
def running(project: Path) -> Iterator[Lab]:
    """JupyterLab on a free port, over the notebooks of a copy of the project, in a browser."""
    setting, _, _, *words = shlex.split(made("lab").splitlines()[-1])
    words += ["--no-browser", "--ServerApp.port=0", "--KernelManager.transport=ipc"]
    with (
        launched("--disable-gpu") as browser,
        tempfile.TemporaryDirectory(prefix="atomicvad-") as own,
    ):
        folders = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
        environment = os.environ | {f"JUPYTER_{name}": own for name in folders}
        environment |= {"IPYTHONDIR": own, "PYTHONPATH": str(project)}
        environment |= dict([setting.split("=")])
        environment.pop("MPLBACKEND", None)
        with open(Path(own) / "lab.log", "wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *words],
                cwd=project,
                env=environment,
                stdout=log,
                stderr=log,
            )
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            yield Lab(project, _address(Path(own), server), page)
        finally:
            server.terminate()
            server.wait()


def _is_saved(answer) -> bool:
    return answer.request.method == "PUT" and "/api/contents/" in answer.url


def _address(folder: Path, server: subprocess.Popen) -> str:
    """Where the server is, with its token, as it tells a browser that it opens itself."""
    path, end = folder / f"jpserver-{server.pid}.json", time.monotonic() + OPENED
    while not path.is_file():
        assert server.poll() is None and time.monotonic() < end, (folder / "lab.log").read_text()
        time.sleep(0.1)
    said = json.loads(path.read_text())
    return f"{said['url']}?token={said['token']}"
