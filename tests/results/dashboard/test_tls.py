import socket
import ssl
from contextlib import closing

import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.dashboard.tls import server_context
from tests.results.dashboard.visiting import AS_EDITOR, TOKEN, served, token_files, visited
from tests.storage.proxy import certificate


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture
def dashboard(mixed_url, tmp_path, pair):
    cert, key = pair
    options = {"token_file": token_files(tmp_path)[0], "tls_cert": cert, "tls_key": key}
    with served(mixed_url, told := [], host="localhost", **options) as found:
        found.told = told
        yield found


def trusting(pair) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=pair[0])


def test_pages_come_by_tls(dashboard, pair):
    assert dashboard.url == f"https://localhost:{dashboard.port}"
    answer = visited(dashboard.port, "/api/studies/1", AS_EDITOR, context=trusting(pair))
    assert answer.status == 200
    bundle = visited(dashboard.port, "/static/bundle.js", AS_EDITOR, context=trusting(pair))
    assert len(bundle.body) > 10**6
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"token={TOKEN}"
    login = visited(dashboard.port, "/login", form, "POST", trusting(pair), body)
    assert "Secure" in login.headers["Set-Cookie"]


def test_who_speaks_in_clear_learns_nothing(dashboard):
    with closing(socket.create_connection(("localhost", dashboard.port), 30.0)) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP" not in client.recv(1000)


def test_who_says_nothing_keeps_nobody_waiting(dashboard, pair):
    silent = [socket.create_connection(("localhost", dashboard.port), 30.0) for _ in range(20)]
    try:
        answer = visited(dashboard.port, "/healthz", context=trusting(pair))
        assert answer.body == b"ok\n"
    finally:
        for client in silent:
            client.close()


def test_whose_token_was_wrong_is_known(dashboard, pair):
    wrong = {"Authorization": "Bearer wrong-wrong-wrong"}
    assert visited(dashboard.port, "/api/studies", wrong, context=trusting(pair)).status == 401
    (line,) = dashboard.told
    assert line in ("a wrong token from 127.0.0.1", "a wrong token from ::1")


def test_nobody_comes_in_by_the_back(dashboard):
    inner = dashboard._server.effective_port
    assert inner != dashboard.port
    answer = visited(inner, "/healthz", {**AS_EDITOR, "X-Forwarded-For": "127.0.0.1"})
    assert (answer.status, answer.body) == (403, b"come in by the front\n")


def test_files_that_are_no_certificate_are_refused(tmp_path, pair):
    cert, key = pair
    other = certificate(tmp_path, "other.example")[1]
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("rubbish")
    for pair_, why in (
        ((tmp_path / "none", key), "No such file"),
        ((cert, tmp_path / "none"), "No such file"),
        ((rubbish, key), "no certificate and open key"),
        ((cert, rubbish), "no certificate and open key"),
        ((cert, other), "are not a pair"),
    ):
        with pytest.raises(InputError, match=why):
            server_context(*pair_)


def test_an_encrypted_key_is_not_asked_for(tmp_path, pair):
    import subprocess

    locked = tmp_path / "locked.key"
    words = ["openssl", "ec", "-in", pair[1], "-aes128", "-passout", "pass:x", "-out", locked]
    subprocess.run(words, check=True, capture_output=True)
    with pytest.raises(InputError, match="no certificate and open key"):
        server_context(pair[0], locked)
