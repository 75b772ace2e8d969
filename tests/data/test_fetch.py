import gzip
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from a3b_tune.data import fetch as fetching
from a3b_tune.data import glove, imdb, wp
from a3b_tune.data.fetch import SOURCES, Source, fetch, progress_bar
from a3b_tune.errors import InputError


class Server(ThreadingHTTPServer):
    """Answers every path by its first folder: /whole/..., /cut/..., and so on."""

    daemon_threads = True

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = body
        self.asked: list[str] = []
        self.over = threading.Event()

    def folder(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        getattr(self, self.path.split("/")[1])(self.server.body)

    def log_message(self, *_args: object) -> None:
        """Keeps the test's output clean."""

    def head(self, length: int | None) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def whole(self, body: bytes) -> None:
        self.head(len(body))
        self.wfile.write(body)

    def unsized(self, body: bytes) -> None:
        self.head(None)
        self.wfile.write(body)

    def cut(self, body: bytes) -> None:
        self.head(len(body))
        self.wfile.write(body[: len(body) // 2])

    def cut_unsized(self, body: bytes) -> None:
        self.head(None)
        self.wfile.write(body[: len(body) // 2])

    def wrong(self, _body: bytes) -> None:
        self.whole(b"<html>please log in</html>")

    def huge(self, _body: bytes) -> None:
        self.head(10**12)

    def huge_unsized(self, _body: bytes) -> None:
        self.head(None)
        try:
            while True:
                self.wfile.write(bytes(2**16))
        except ConnectionError:
            self.close_connection = True

    def silent(self, _body: bytes) -> None:
        self.server.over.wait(20)

    def stalled(self, body: bytes) -> None:
        self.head(len(body))
        self.wfile.write(body[:10_000])
        self.wfile.flush()
        self.server.over.wait(20)

    def missing(self, _body: bytes) -> None:
        self.send_error(404, "Not \x1b[2J Found")

    def named(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Disposition", 'attachment; filename="../../elsewhere.gz"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def body(make_reviews, pack) -> bytes:
    return pack(make_reviews())


@pytest.fixture
def server(body, monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Server(body)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.over.set()
    made.shutdown()
    made.server_close()


@pytest.fixture
def cwd(tmp_path, monkeypatch) -> Path:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return tmp_path / "cwd"


@pytest.mark.parametrize("way", ["whole", "unsized", "named"])
def test_the_whole_file_arrives_and_nothing_else(tmp_path, cwd, server, body, way):
    path = fetch("imdb", tmp_path / "new" / "data", base=server.folder(way))
    assert path.read_bytes() == body
    assert list((tmp_path / "new" / "data").iterdir()) == [path]
    assert list(cwd.iterdir()) == []
    assert len(imdb.load(path.parent).train) == 200


def test_a_file_that_is_there_is_not_fetched_again(tmp_path, server):
    (tmp_path / imdb.FILE).write_bytes(b"mine")
    assert fetch("imdb", tmp_path, base=server.folder("whole")).read_bytes() == b"mine"
    assert server.asked == []


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("cut", "the transfer was cut off"),
        ("cut_unsized", "cut short"),
        ("wrong", "not gzip"),
        ("silent", "no answer in time"),
        ("stalled", "no answer in time"),
        ("missing", "404 Not [2J Found"),
        ("huge", "more than 67,108,864 bytes"),
        ("huge_unsized", "more than 67,108,864 bytes"),
    ],
)
def test_a_failed_fetch_leaves_nothing_and_says_what_to_do(tmp_path, cwd, server, way, why):
    folder = tmp_path / "data"
    with pytest.raises(InputError) as caught:
        fetch("imdb", folder, base=server.folder(way), timeout=0.5)
    line = str(caught.value)
    assert line.startswith(f"imdb: {server.folder(way)}/{imdb.FILE}: {why}")
    assert line.endswith(f"; place {imdb.FILE} in {folder} by hand")
    assert line.isprintable()
    assert not folder.exists()
    assert list(cwd.iterdir()) == []
    assert socket.getdefaulttimeout() is None


def test_offline_names_both_addresses_https_first(tmp_path, monkeypatch):
    with socket.socket() as taken:  # bound but not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}/data"
        source = Source(imdb.FILE, place, imdb.PACKED_LIMIT, imdb.check_file)
        monkeypatch.setitem(fetching.SOURCES, "imdb", source)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with pytest.raises(InputError) as caught:
            fetch("imdb", tmp_path)
    assert str(caught.value) == (
        f"imdb: https://{place}/{imdb.FILE}: Connection refused;"
        f" http://{place}/{imdb.FILE}: Connection refused;"
        f" place {imdb.FILE} in {tmp_path} by hand"
    )


def test_http_is_tried_where_https_fails(tmp_path, server, body, monkeypatch):
    place = f"127.0.0.1:{server.server_port}/whole"
    source = Source(imdb.FILE, place, imdb.PACKED_LIMIT, imdb.check_file)
    monkeypatch.setitem(fetching.SOURCES, "imdb", source)
    assert fetch("imdb", tmp_path, timeout=5).read_bytes() == body


def test_only_the_schemes_of_the_source_are_tried(tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}/data"
        source = SOURCES["wp"]._replace(folder=place)
        monkeypatch.setitem(fetching.SOURCES, "wp", source)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with pytest.raises(InputError) as caught:
            fetch("wp", tmp_path)
    assert "https://" in str(caught.value) and "http://" not in str(caught.value)


def test_wp_is_fetched_and_its_size_is_checked(tmp_path, server, monkeypatch):
    server.body = gzip.compress(bytes(5_000))
    with pytest.raises(InputError, match="5,000 bytes when unpacked, where enwik8 has 100,000,000"):
        fetch("wp", tmp_path, base=server.folder("whole"))
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(wp, "SIZE", 5_000)
    assert fetch("wp", tmp_path, base=server.folder("whole")).read_bytes() == server.body
    assert len(wp.load(tmp_path).train) == 4_500


def test_the_real_address_is_the_courses():
    source = fetching.SOURCES["imdb"]
    assert f"{source.folder}/{source.file}" == "dlvu.github.io/data/imdb.word.pkl.gz"


def test_progress_grows_to_the_whole(tmp_path, server, body):
    seen: list[tuple[int, int | None]] = []
    fetch("imdb", tmp_path, base=server.folder("whole"), report=lambda *now: seen.append(now))
    assert [came for came, _ in seen] == sorted(came for came, _ in seen)
    assert seen[0] == (0, len(body)) and seen[-1] == (len(body), len(body))


def test_progress_without_a_total(tmp_path, server, body):
    seen: list[tuple[int, int | None]] = []
    fetch("imdb", tmp_path, base=server.folder("unsized"), report=lambda *now: seen.append(now))
    assert seen[-1][0] >= len(body) and {total for _, total in seen} == {None}


def test_the_bar_draws_nothing_where_there_is_no_terminal(tmp_path, server, capsys):
    with progress_bar("imdb") as report:
        fetch("imdb", tmp_path, base=server.folder("whole"), report=report)
    assert capsys.readouterr() == ("", "")


def test_data_that_is_made_here_cannot_be_fetched():
    known = r"unknown data set to fetch 'synth' \(known: imdb, wp, glove\)"
    with pytest.raises(InputError, match=known):
        fetch("synth")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"nothing can be written there \(Not a directory\)"):
        fetch("imdb", tmp_path / "file" / "data")


def four_vectors() -> bytes:
    """What GloVe's zip holds, with one word."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for length, name in zip(glove.LENGTHS, glove.MEMBERS, strict=True):
            packed.writestr(name, "film" + " 0.5" * length)
    return made.getvalue()


def test_glove_is_fetched_once_and_checked(tmp_path, server):
    server.body = four_vectors()
    path = fetch("glove", tmp_path, base=server.folder("whole"))
    assert path == tmp_path / "glove.6B.zip"
    assert path.read_bytes() == server.body
    assert fetch("glove", tmp_path, base=server.folder("missing")) == path
    assert server.asked == ["/whole/glove.6B.zip"]


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("cut", "the transfer was cut off"),
        ("cut_unsized", "not a zip, or cut short (File is not a zip file)"),
        ("wrong", "not a zip, or cut short (File is not a zip file)"),
        ("missing", "404 Not [2J Found"),
        ("huge", "more than 1,073,741,824 bytes"),
    ],
)
def test_glove_that_does_not_come_whole_leaves_nothing(tmp_path, server, way, why):
    server.body = four_vectors()
    with pytest.raises(InputError) as caught:
        fetch("glove", tmp_path / "data", base=server.folder(way), timeout=0.5)
    assert str(caught.value) == (
        f"glove: {server.folder(way)}/glove.6B.zip: {why};"
        f" place glove.6B.zip in {tmp_path / 'data'} by hand"
    )
    assert not (tmp_path / "data").exists()


def test_the_usual_address_of_glove():
    assert SOURCES["glove"].schemes == ("https",)
    assert f"{SOURCES['glove'].folder}/{SOURCES['glove'].file}" == (
        "nlp.stanford.edu/data/glove.6B.zip"
    )
