"""Downloads from a server that misbehaves: retried politely, resumed, or refused in one line."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from atomicvad.corpora import ava_speech, download, freesound, speech_commands
from atomicvad.errors import AtomicVADError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Answers as ``script`` says, request after request; then properly.

    An item of the script is a status (429, 500 …), ``drop`` (half of what is asked for), ``wrong``
    (other bytes) or ``whole`` (ranges ignored). ``asked`` lists path and range of every request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.asked, self.pages = [], [], {}
        self.etag, self.retry_after = '"one"', None
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append((self.path, wanted))
        act = server.script.pop(0) if server.script else "well"
        if isinstance(act, int):
            self.send_response(act)
            if server.retry_after:
                self.send_header("Retry-After", server.retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path = self.path.partition("?")[0]
        content = server.pages.get(self.path, server.pages.get(path, CONTENT))
        if act == "wrong":
            content = content[::-1]
        start = 0
        if self.headers.get("If-Range") not in (None, server.etag):
            wanted = None
        if wanted and act != "whole":
            start = int(wanted.split("=")[1].rstrip("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        part = content[start:]
        self.wfile.write(part[: len(part) // 2] if act == "drop" else part)


@pytest.fixture
def server(monkeypatch):
    waits = []
    monkeypatch.setattr(download.time, "sleep", waits.append)
    running = Server()
    running.waits = waits
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def get(server, tmp_path, sha256=SHA256, **options):
    return download.retrieve(f"{server.address}/file", tmp_path / "file", sha256, **options)


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_download_is_asked_for_once(server, tmp_path):
    for _ in range(2):
        assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [("/file", None)] and left(tmp_path) == ["file"]


def test_a_dropped_connection_is_resumed(server, tmp_path):
    server.script = ["drop", "drop", "drop"]
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [
        None,
        "bytes=150000-",
        "bytes=225000-",
        "bytes=262500-",
    ]
    assert left(tmp_path) == ["file"]


def test_a_server_that_ignores_ranges_begins_anew(server, tmp_path):
    server.script = ["drop", "whole"]
    assert get(server, tmp_path).read_bytes() == CONTENT


def test_a_changed_file_begins_anew(server, tmp_path):
    server.script = ["drop", 404]
    with pytest.raises(AtomicVADError, match="404"):
        get(server, tmp_path)
    server.etag = '"two"'
    assert get(server, tmp_path).read_bytes() == CONTENT


def test_a_stopped_download_goes_on_at_the_next_call(server, tmp_path):
    server.script = ["drop", 404]
    with pytest.raises(AtomicVADError, match="HTTP 404"):
        get(server, tmp_path)
    assert left(tmp_path) == [".file.part", ".file.part.version"]
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == ("/file", "bytes=150000-") and left(tmp_path) == ["file"]


def test_wrong_bytes_are_refused_and_not_kept(server, tmp_path):
    server.script = ["wrong"]
    with pytest.raises(AtomicVADError, match="not the expected one") as caught:
        get(server, tmp_path)
    assert "\n" not in str(caught.value) and left(tmp_path) == []
    assert get(server, tmp_path).read_bytes() == CONTENT


def test_a_resumed_mixture_of_two_files_is_refused(server, tmp_path):
    server.script = ["drop", "wrong"]
    with pytest.raises(AtomicVADError, match="not the expected one"):
        get(server, tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_final_refusal_is_one_line_at_once(status, server, tmp_path):
    server.script = [status]
    with pytest.raises(AtomicVADError, match=f"HTTP {status}") as caught:
        get(server, tmp_path)
    assert "\n" not in str(caught.value) and len(server.asked) == 1 and not server.waits


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_is_asked_again_after_a_pause(status, server, tmp_path):
    server.script = [status, status]
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.waits == [1, 2]


def test_the_server_says_how_long_to_wait(server, tmp_path):
    server.script, server.retry_after = [429], "7"
    get(server, tmp_path)
    assert server.waits == [7]


def test_who_asks_for_an_hour_is_left_in_peace(server, tmp_path):
    server.script, server.retry_after = [429], "3600"
    with pytest.raises(AtomicVADError, match=r"429.*wait 3600 s"):
        get(server, tmp_path)
    assert not server.waits


def test_a_server_that_stays_broken_is_given_up(server, tmp_path):
    server.script = [500] * 9
    with pytest.raises(AtomicVADError, match=r"HTTP 500.*the same command continues"):
        get(server, tmp_path)
    assert len(server.asked) == download.ATTEMPTS


def test_no_server_is_one_line(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(AtomicVADError, match="the connection was lost") as caught:
        get(server, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_is_refused(server, tmp_path):
    with pytest.raises(AtomicVADError, match="expected at most 1000"):
        get(server, tmp_path, largest=1000)


def test_a_mirror_steps_in(server, tmp_path):
    server.script = [404]
    urls = [f"{server.address}/gone", f"{server.address}/file"]
    assert download.retrieve(urls, tmp_path / "file", SHA256).read_bytes() == CONTENT


def archive_of(folder, path):
    import tarfile

    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, ".")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_speech_commands_from_a_mirror_or_an_archive(server, tmp_path):
    import trees

    trees.speech_commands(tmp_path / "tree", each=2)
    digest = archive_of(tmp_path / "tree", tmp_path / "archive.tar.gz")
    server.pages["/file"] = (tmp_path / "archive.tar.gz").read_bytes()
    server.script = ["drop"]
    speech_commands.fetch(tmp_path / "one", mirror=f"{server.address}/file", sha256=digest)
    speech_commands.fetch(tmp_path / "two", tmp_path / "archive.tar.gz", sha256=digest)
    expected = {
        str(p.relative_to(tmp_path / "tree")): p.read_bytes()
        for p in (tmp_path / "tree").rglob("*.*")
        if p.is_file()
    }
    for name in ("one", "two"):
        found = {
            str(p.relative_to(tmp_path / name)): p.read_bytes()
            for p in (tmp_path / name).rglob("*.*")
            if p.is_file()
        }
        assert found == expected
    assert left(tmp_path) == ["archive.tar.gz", "one", "tree", "two"]
    with pytest.raises(AtomicVADError, match="not Speech Commands V2"):
        speech_commands.fetch(tmp_path / "three", tmp_path / "archive.tar.gz")
    assert not (tmp_path / "three").exists()


class FreeSound:
    """The API over sounds of our own: two pages a category, one sound that is not free."""

    def __init__(self, server):
        self.server = server
        for number, category in enumerate(freesound.CATEGORIES):
            for page in (1, 2):
                ids = [1000 * page + number, 1000 * page + 500 + number]
                results = [self.sound(one) for one in ids]
                results[1]["license"] = "http://creativecommons.org/licenses/by-nc/4.0/"
                answer = {"results": results, "next": "yes" if page == 1 else None}
                server.pages[category, page] = json.dumps(answer).encode()

    def sound(self, number):
        preview = f"{self.server.address}/previews/{number}-hq.ogg"
        self.server.pages[f"/previews/{number}-hq.ogg"] = f"sound {number}".encode()
        return {
            "id": number,
            "name": f"Sound, {number}",
            "username": f"user{number % 7}",
            "license": "http://creativecommons.org/publicdomain/zero/1.0/",
            "url": f"https://freesound.org/s/{number}/",
            "duration": 3.5,
            "previews": {"preview-hq-ogg": preview},
        }


@pytest.fixture
def api(server, monkeypatch):
    """FreeSound's API on the server; two categories, so that it is quick."""
    from urllib.parse import parse_qs, urlsplit

    monkeypatch.setattr(freesound, "CATEGORIES", freesound.CATEGORIES[:3])
    FreeSound(server)
    plain = Handler.do_GET

    def answer(handler):
        parts = urlsplit(handler.path)
        if parts.path == "/search/text/":
            query = parse_qs(parts.query)
            assert handler.headers["Authorization"] == "Token key"
            assert 'license:("Creative Commons 0" OR "Attribution")' in query["filter"][0]
            key = query["query"][0], int(query["page"][0])
            handler.server.pages[handler.path] = handler.server.pages[key]
        plain(handler)

    monkeypatch.setattr(Handler, "do_GET", answer)
    return server


def test_freesound_is_searched_fetched_and_written_down(api, tmp_path):
    folder = tmp_path / "freesound"
    assert freesound.fetch(folder, "key", api=api.address) == []
    sounds = json.loads((folder / "freesound.lock.json").read_text())["sounds"]
    assert [sound["id"] for sound in sounds] == [1000, 2000, 1001, 2001, 1002, 2002]
    for sound in sounds:
        assert sound["sha256"] == hashlib.sha256(f"sound {sound['id']}".encode()).hexdigest()
    table = (folder / "ATTRIBUTION.csv").read_text()
    assert '"Sound, 2001",user6,http://creativecommons.org/publicdomain/zero/1.0/' in table
    assert all(wait >= 1 for wait in api.waits), "the API allows one request a second"
    assert {path.name for path in folder.iterdir()} == {
        *("freesound.lock.json", "ATTRIBUTION.csv", "air_brake", "static", "acoustic_environment")
    }


def test_a_stopped_search_goes_on_to_the_same_lock_file(api, tmp_path):
    freesound.fetch(tmp_path / "whole", "key", api=api.address)
    api.asked.clear()
    for stop in (3, 4, 2):
        api.script = ["well"] * stop + [403]
        with pytest.raises(AtomicVADError, match="403"):
            freesound.fetch(tmp_path / "pieces", "key", api=api.address)
        assert not (tmp_path / "pieces" / "freesound.lock.json").exists()
        api.script = []
    freesound.fetch(tmp_path / "pieces", "key", api=api.address)
    for name in ("freesound.lock.json", "ATTRIBUTION.csv"):
        assert (tmp_path / "pieces" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_lock_file_gives_the_same_set_or_says_what_is_gone(api, tmp_path):
    freesound.fetch(tmp_path / "first", "key", api=api.address)
    lock = tmp_path / "first" / "freesound.lock.json"
    assert freesound.fetch(tmp_path / "second", lock=lock, api=api.address) == []
    for path in (tmp_path / "first").rglob("*.ogg"):
        other = tmp_path / "second" / path.relative_to(tmp_path / "first")
        assert other.read_bytes() == path.read_bytes()
    api.pages["/previews/2001-hq.ogg"] = b"another sound"
    lost = freesound.fetch(tmp_path / "third", lock=lock, api=api.address)
    assert len(lost) == 1 and lost[0].startswith("2001 by user")


def test_a_lost_answer_of_the_api_is_asked_for_again(api, tmp_path):
    freesound.fetch(tmp_path / "whole", "key", api=api.address)
    api.script, api.retry_after = ["drop", "drop", 429], "²"
    freesound.fetch(tmp_path / "pieces", "key", api=api.address)
    for name in ("freesound.lock.json", "ATTRIBUTION.csv"):
        assert (tmp_path / "pieces" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("answer", [{"results": None}, {"results": 5}, {"results": [3]}])
def test_an_answer_that_is_none_is_one_line(answer, api, tmp_path):
    api.pages[freesound.CATEGORIES[0], 1] = json.dumps(answer).encode()
    with pytest.raises(AtomicVADError, match=r"expected a list|a sound without"):
        freesound.fetch(tmp_path / "freesound", "key", api=api.address)


@pytest.mark.parametrize("content", ["[]", "nonsense", '{"Air brake": [{"id": "../../x"}]}'])
def test_a_damaged_record_of_the_search_is_searched_anew(content, api, tmp_path):
    (tmp_path / "freesound").mkdir()
    (tmp_path / "freesound" / freesound.SEARCH).write_text(content)
    assert freesound.fetch(tmp_path / "freesound", "key", api=api.address) == []


def test_what_is_gone_or_not_free_is_left_out_of_anothers_set(api, tmp_path):
    freesound.fetch(tmp_path / "first", "key", api=api.address)
    lock = tmp_path / "first" / "freesound.lock.json"
    sounds = json.loads(lock.read_text())["sounds"]
    sounds[1]["license"] = "http://creativecommons.org/licenses/by-nc/4.0/"
    lock.write_text(json.dumps({"sounds": sounds}))
    api.script = [410]
    lost = freesound.fetch(tmp_path / "second", lock=lock, api=api.address)
    assert [line.split()[0] for line in lost] == [str(sounds[1]["id"]), str(sounds[0]["id"])]
    table = (tmp_path / "second" / "ATTRIBUTION.csv").read_text()
    assert table.count("\n") == len(sounds) - 1 and "by-nc" not in table


def test_freesound_without_a_key_says_how_to_get_one(tmp_path):
    with pytest.raises(AtomicVADError, match="FREESOUND_API_KEY"):
        freesound.fetch(tmp_path / "freesound")
    assert not (tmp_path / "freesound").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "../../x"}, "id: expected a number"),
        ({"preview": "http://127.0.0.1:1/secret"}, "a preview on another host"),
        ({"preview": "file:///etc/passwd"}, "a preview on another host"),
        ({"category": "../up"}, "category: unknown"),
        ({"sha256": "zz"}, "sha256"),
        ({"username": 3}, "username: expected text"),
    ],
)
def test_a_hostile_lock_file_leads_nowhere(change, said, tmp_path):
    import trees

    trees.freesound(tmp_path / "tree", each=1)
    lock = tmp_path / "tree" / "freesound.lock.json"
    sounds = json.loads(lock.read_text())["sounds"]
    lock.write_text(json.dumps({"sounds": [sounds[0] | change]}))
    with pytest.raises(AtomicVADError, match=said):
        freesound.fetch(tmp_path / "new", lock=lock)
    assert not list(tmp_path.glob("new/*"))


def test_avas_labels_are_fetched_and_looked_at(server, tmp_path):
    good = b"a,900.00,901.50,NO_SPEECH\na,901.50,903.00,CLEAN_SPEECH\n"
    server.pages["/labels"] = good
    ava_speech.fetch(tmp_path / "ava", f"{server.address}/labels")
    assert (tmp_path / "ava" / ava_speech.LABELS).read_bytes() == good
    server.pages["/labels"] = b"<html>an error page</html>"
    (tmp_path / "ava" / ava_speech.LABELS).unlink()
    with pytest.raises(AtomicVADError, match="expected 4 fields"):
        ava_speech.fetch(tmp_path / "ava", f"{server.address}/labels")
    assert not list((tmp_path / "ava").iterdir())
    # The user's own file is refused, but stays.
    (tmp_path / "ava" / ava_speech.LABELS).write_text("mine\n")
    with pytest.raises(AtomicVADError, match="expected 4 fields"):
        ava_speech.fetch(tmp_path / "ava", f"{server.address}/labels")
    assert (tmp_path / "ava" / ava_speech.LABELS).read_text() == "mine\n"
