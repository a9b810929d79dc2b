"""A real browser for tests: Chromium of the system, driven by Playwright, without a window."""

import functools
import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from atomicvad.files import project_root

sys.path.insert(0, str(project_root() / "tools"))
from toolchain import browser as found_browser


def program() -> str:
    """The path of the system's Chromium; the test is skipped where there is none."""
    return found_browser() or pytest.skip("no Chromium here: install the package chromium")


@contextmanager
def launched(*options: str) -> Iterator:
    """A browser; as root it runs without its sandbox."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program(), args=["--no-sandbox", *options])
        yield browser
        browser.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on a server of this machine."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Watch:
    """What a page complains of, and which addresses it asks for."""

    def __init__(self, page):
        self.complaints, self.requests = [], []
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, kind, text):
        if kind in ("error", "warning"):
            self.complaints.append(text)
