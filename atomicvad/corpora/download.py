"""Downloads that go on where they stopped: checked by pooch, fetched in pieces, politely."""

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

ATTEMPTS = 5  # in a row without a byte of progress
PAUSE = 1.0  # s before the second attempt; doubled before each further one
LONGEST_WAIT = 300.0  # s; who asks for more is left in peace
TIMEOUT = (10.0, 60.0)  # s to connect; s without a byte
BUSY = (408, 429, 500, 502, 503, 504)
PIECE = 1 << 16
LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


class _PassingError(Exception):
    """A failure that may pass: why, and for how long the server wants to be left alone."""

    def __init__(self, reason: str, wait: float = 0.0):
        super().__init__(reason)
        self.wait = wait


def retrieve(urls: str | list[str], path: Path, sha256: str | None = None, **options: Any) -> Path:
    """The file behind the first of ``urls`` that has it, at ``path``, whole and checked.

    A file that is there with the right checksum is left as it is. What came of a download that
    was stopped lies in ``<path>.part``; the next call goes on from there.

    Args:
        urls: an address, or several that hold the same bytes (mirrors).
        sha256: of the content; none: any content is taken.
        options: of ``Resuming``.

    Raises:
        AtomicVADError: no address has it, or the bytes are not the expected ones.
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
    """Where the ETag or date of the version that ``part`` is of lies."""
    return part.with_name(part.name + ".version")


class Resuming:
    """A downloader for pooch that goes on from ``part`` and retries what may pass.

    Lost connections, 408, 429 and 5xx are tried again after a pause that doubles, or that the
    server asks for; other refusals are final. A server that ignores ranges begins anew.

    Args:
        part: where an unfinished download is kept.
        headers: sent along.
        largest: bytes; more are refused.
        progress: whether a bar is shown.
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
        tried = 0
        problem: Exception
        with requests.Session() as session:
            while True:
                before = self._size()
                try:
                    self._continue(session, url)
                    break
                except (_PassingError, *LOST) as error:
                    problem = error
                except requests.RequestException as error:
                    raise AtomicVADError(f"{url}: {error}") from None
                tried = 1 if self._size() > before else tried + 1
                self._pause(url, problem, tried)
        # pooch checks this file, then moves it into place.
        self.part.replace(output_file)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _pause(self, url: str, problem: Exception, tried: int) -> None:
        reason = str(problem) if isinstance(problem, _PassingError) else "the connection was lost"
        wait = max(getattr(problem, "wait", 0.0), PAUSE * 2 ** (tried - 1))
        if tried >= ATTEMPTS or wait > LONGEST_WAIT:
            again = f"; it asks to wait {wait:.0f} s" if wait > LONGEST_WAIT else ""
            raise AtomicVADError(
                f"{url}: {reason}{again}; what came is kept, the same command goes on"
            )
        time.sleep(wait)

    def _continue(self, session: requests.Session, url: str) -> None:
        have, headers = self._size(), {"Accept-Encoding": "identity", **self.headers}
        version = _validator(self.part)
        if have:
            headers["Range"] = f"bytes={have}-"
            if version.is_file():
                headers["If-Range"] = version.read_text()
        with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            status = response.status_code
            if status in BUSY:
                raise _PassingError(f"HTTP {status} {response.reason}", _retry_after(response))
            if status == 416 or (status == 206 and not _begins_at(response, have)):
                _forget(self.part)
                raise _PassingError("the server has another version than the one begun")
            if status not in (200, 206):
                raise AtomicVADError(f"{url}: HTTP {status} {response.reason}")
            have = have if status == 206 else 0
            self._receive(response, url, have)

    def _receive(self, response: requests.Response, url: str, have: int) -> None:
        version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if version and not version.startswith("W/"):
            with replacing(_validator(self.part)) as path:
                path.write_text(version)
        length = response.headers.get("Content-Length")
        total = have + int(length) if length and _is_number(length) else None
        if self.largest and max(have, total or 0) > self.largest:
            raise AtomicVADError(f"{url}: {total} bytes, expected at most {self.largest}")
        bar = tqdm(
            total=total,
            initial=have,
            unit="B",
            unit_scale=True,
            desc=self.part.name[1:-5],
            disable=not self.progress,
        )
        response.raw.enforce_content_length = (
            False  # or the last piece of a lost one is thrown away
        )
        with bar, open(self.part, "ab" if have else "wb") as file:
            for piece in response.iter_content(PIECE):
                file.write(piece)
                have += len(piece)
                bar.update(len(piece))
                if self.largest and have > self.largest:
                    raise AtomicVADError(f"{url}: more than {self.largest} bytes")
        if total is not None and have < total:
            raise _PassingError("the connection was lost")


def _begins_at(response: requests.Response, have: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


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
    """The JSON object at an address, with the same patience.

    Raises:
        AtomicVADError: refused, out of reach, or no JSON object.
    """
    for tried in range(1, ATTEMPTS + 1):
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
        wait = max(wait, PAUSE * 2 ** (tried - 1))
        if tried == ATTEMPTS or wait > LONGEST_WAIT:
            break
        time.sleep(wait)
    raise AtomicVADError(f"{url}: {reason}; the same command goes on")


def _object(response: requests.Response, url: str) -> dict:
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise AtomicVADError(f"{url}: expected a JSON object")
    return content


def _detail(response: requests.Response) -> str:
    """An API's own words about a refusal, in one line."""
    try:
        detail = json.loads(response.text)["detail"]
    except (ValueError, KeyError, TypeError):
        return ""
    return " (" + " ".join(str(detail).split())[:200] + ")"
