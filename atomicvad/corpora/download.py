"""Resumable downloads with retries, verified by pooch."""

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pooch
import requests
from tqdm.auto import tqdm

from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing

ATTEMPTS = 5  # in a row without progress
PAUSE = 1.0  # s before the second attempt; doubled before each further one
LONGEST_WAIT = 300.0  # s; the download ends if a server asks for a longer pause
TIMEOUT = (10.0, 60.0)  # s to connect; s without data
BUSY = (408, 429, 500, 502, 503, 504)  # HTTP statuses that are tried again
PIECE = 1 << 16  # bytes
LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


class _TemporaryError(Exception):
    """A failure after which to try again: its reason, and the pause (s) the server asks for."""

    def __init__(self, reason: str, wait: float = 0.0):
        super().__init__(reason)
        self.wait = wait


def retrieve(urls: str | list[str], path: Path, sha256: str | None = None, **options: Any) -> Path:
    """Download a file to ``path`` from the first of ``urls`` that has it, and verify it.

    A file that exists with the right checksum is left as it is. An interrupted download is kept as
    ``.<name>.part`` beside ``path``; the next call resumes it.

    Args:
        urls: an address, or several that hold the same bytes (mirrors).
        sha256: of the content; ``None``: any content is accepted.
        options: of ``Resuming``.

    Raises:
        AtomicVADError: no address has the file, or the content is not the expected one.
    """
    path, expected = Path(path), f"sha256:{sha256}" if sha256 else None
    problem = AtomicVADError(f"{path}: no address to fetch it from")
    pooch.get_logger().setLevel("ERROR")
    path.parent.mkdir(parents=True, exist_ok=True)
    for url in [urls] if isinstance(urls, str) else urls:
        try:
            pooch.retrieve(
                url,
                expected,
                fname=path.name,
                path=path.parent,
                downloader=Resuming(_part(path), **options),
            )
        except AtomicVADError as error:
            problem = error
        except ValueError:
            _forget(_part(path))
            problem = AtomicVADError(
                f"{url}: the content is not the expected one (SHA-256 {str(sha256)[:12]}…); "
                "nothing kept"
            )
        else:
            return path
        finally:
            if path.is_file():
                _forget(_part(path))
    raise problem


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator(part).unlink(missing_ok=True)


def _validator(part: Path) -> Path:
    """The file that holds the ETag or date of the version that ``part`` is of."""
    return part.with_name(part.name + ".version")


class Resuming:
    """A downloader for pooch that resumes ``part`` and retries after temporary failures.

    After lost connections and HTTP 408, 429 and 5xx it tries again, after a pause that doubles or
    that the server asks for; other refusals are final. If a server ignores ranges, the download
    starts again.

    Args:
        part: the file that holds an unfinished download.
        headers: of the requests.
        largest: bytes; larger files are refused.
        progress: whether to show a progress bar.
    """

    def __init__(
        self,
        part: Path,
        headers: Mapping[str, str] | None = None,
        largest: int | None = None,
        progress: bool = True,
    ):
        self.part, self.headers = Path(part), dict(headers or {})
        self.largest, self.progress = largest, progress

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Fetch ``url`` into ``output_file``, as pooch asks for it."""
        attempts = 0
        problem: Exception
        with requests.Session() as session:
            while True:
                before = self._size()
                try:
                    self._continue(session, url)
                    break
                except (_TemporaryError, *LOST) as error:
                    problem = error
                except requests.RequestException as error:
                    raise AtomicVADError(f"{url}: {error}") from None
                attempts = 1 if self._size() > before else attempts + 1
                self._pause(url, problem, attempts)
        # pooch checks this file, then moves it into place.
        self.part.replace(output_file)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _pause(self, url: str, problem: Exception, attempts: int) -> None:
        reason = str(problem) if isinstance(problem, _TemporaryError) else "the connection was lost"
        wait = max(getattr(problem, "wait", 0.0), PAUSE * 2 ** (attempts - 1))
        if attempts >= ATTEMPTS or wait > LONGEST_WAIT:
            again = f"; it asks to wait {wait:.0f} s" if wait > LONGEST_WAIT else ""
            raise AtomicVADError(
                f"{url}: {reason}{again}; the part received is kept; the same command continues"
            )
        time.sleep(wait)

    def _continue(self, session: requests.Session, url: str) -> None:
        received, headers = self._size(), {"Accept-Encoding": "identity", **self.headers}
        version = _validator(self.part)
        if received:
            headers["Range"] = f"bytes={received}-"
            if version.is_file():
                headers["If-Range"] = version.read_text()
        with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            status = response.status_code
            if status in BUSY:
                raise _TemporaryError(f"HTTP {status} {response.reason}", _retry_after(response))
            if status == 416 or (status == 206 and not _begins_at(response, received)):
                _forget(self.part)
                raise _TemporaryError("the server has another version than the one begun")
            if status not in (200, 206):
                raise AtomicVADError(f"{url}: HTTP {status} {response.reason}")
            received = received if status == 206 else 0
            self._receive(response, url, received)

    def _receive(self, response: requests.Response, url: str, received: int) -> None:
        version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if version and not version.startswith("W/"):
            with replacing(_validator(self.part)) as path:
                path.write_text(version)
        length = response.headers.get("Content-Length")
        total = received + int(length) if length and _is_number(length) else None
        if self.largest and max(received, total or 0) > self.largest:
            raise AtomicVADError(f"{url}: {total} bytes, expected at most {self.largest}")
        bar = tqdm(
            total=total,
            initial=received,
            unit="B",
            unit_scale=True,
            desc=self.part.name[1:-5],
            disable=not self.progress,
        )
        # Otherwise the last piece before a connection is lost is discarded.
        response.raw.enforce_content_length = False
        with bar, open(self.part, "ab" if received else "wb") as file:
            for piece in response.iter_content(PIECE):
                file.write(piece)
                received += len(piece)
                bar.update(len(piece))
                if self.largest and received > self.largest:
                    raise AtomicVADError(f"{url}: more than {self.largest} bytes")
        if total is not None and received < total:
            raise _TemporaryError("the connection was lost")


def _begins_at(response: requests.Response, position: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {position}-")


def _retry_after(response: requests.Response) -> float:
    """Seconds that the server asks for, as a number or as a date."""
    value = response.headers.get("Retry-After", "")
    if _is_number(value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _is_number(value: str) -> bool:
    return 0 < len(value) < 20 and value.isascii() and value.isdigit()


def get_json(url: str, parameters: dict, headers: dict) -> dict:
    """The JSON object at an address, with the same retries.

    Raises:
        AtomicVADError: refused, not reachable, or no JSON object.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            response = requests.get(url, params=parameters, headers=headers, timeout=TIMEOUT)
        except LOST:
            reason, wait = "the connection was lost", 0.0
        except requests.RequestException as error:
            raise AtomicVADError(f"{url}: {error}") from None
        else:
            if response.status_code == 200:
                return _object(response, url)
            reason = f"HTTP {response.status_code} {response.reason}"
            if response.status_code not in BUSY:
                raise AtomicVADError(f"{url}: {reason}{_detail(response)}")
            wait = _retry_after(response)
        wait = max(wait, PAUSE * 2 ** (attempt - 1))
        if attempt == ATTEMPTS or wait > LONGEST_WAIT:
            break
        time.sleep(wait)
    raise AtomicVADError(f"{url}: {reason}; the same command continues")


def _object(response: requests.Response, url: str) -> dict:
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise AtomicVADError(f"{url}: expected a JSON object")
    return content


def _detail(response: requests.Response) -> str:
    """The reason that an API gives for a refusal, on one line."""
    try:
        detail = json.loads(response.text)["detail"]
    except (ValueError, KeyError, TypeError):
        return ""
    return " (" + " ".join(str(detail).split())[:200] + ")"
