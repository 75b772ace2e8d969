import os
import signal
import stat

import psutil
import pytest

from a3b_tune.cli.app import run
from a3b_tune.storage.opening import open_storage
from tests.commands import Forked, Running, answered, child, contents, one_line, refused
from tests.postgres import stoppable_server
from tests.storage.proxy import TOKEN, certificate, serving, with_token

pytest.importorskip("a3b_tune.storage.transport", reason="gRPC is an extra")


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return str(path)


def address_of(command):
    """Where it serves, once it has said so."""
    command.until(lambda: " serves " in command.output)
    return command.output.partition(" serves ")[0]


def test_a_database_is_served_until_ctrl_c(here, token_file):
    with Running(here, "storage", "serve", "--port", "0", "--token-file", token_file) as command:
        address = address_of(command)
        storage = open_storage(with_token(address))
        assert storage.get_all_studies() == []
        arguments = " ".join(psutil.Process(command.process.pid).cmdline())
        command.process.send_signal(signal.SIGINT)
        assert command.end() == 130
        line = f"{address} serves sqlite:///a3b-tune.db; workers need the token, as $A3B_TUNE_TOKEN"
        assert command.output.startswith(line)
        assert command.output.count("\n") == 1
    assert TOKEN not in command.output + arguments
    assert (here / "a3b-tune.db").exists()


def test_what_serves_ends_at_sigterm_with_the_code_that_says_so(here):
    with Forked(here, "storage", "serve", "--port", "0") as command:
        assert address_of(command).startswith("grpc://127.0.0.1:")
        command.process.send_signal(signal.SIGTERM)
        assert command.end() == 143
        assert "no token: all users of this machine may write" in command.output


def test_what_others_reach_without_tls_is_served_with_a_warning(here, token_file, tmp_path):
    words = ["storage", "serve", "--port", "0", "--host", "0.0.0.0", "--token-file", token_file]
    with Forked(here, *words) as command:
        command.until(lambda: "the token travels in clear" in command.output)
    certificates = certificate(tmp_path, "localhost")
    tls = ["--tls-cert", str(certificates[0]), "--tls-key", str(certificates[1])]
    with Forked(here, *words, *tls) as command:
        assert address_of(command).startswith("grpcs://")
        port = address_of(command).rpartition(":")[2]
        storage = open_storage(f"grpcs://:{TOKEN}@localhost:{port}?ca={certificates[0]}")
        assert storage.get_all_studies() == []
        assert "in clear" not in command.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0: others reach this address, so it needs a token"),
        (["--host", "no.such.host.invalid"], "no such address"),
        (["--port", "many"], "--port many: must be a whole number"),
        (["--port", "-1"], "--port -1: must be at least 0"),
        (["--port", "70000"], "--port 70000: must be at most 65535"),
        (["--token-file", "no-such-file"], "--token-file no-such-file: No such file"),
        (["--tls-cert", "c.pem"], "--tls-key is missing"),
        (["--tls-cert", "c.pem", "--tls-key", "k.pem"], "--tls-cert c.pem: no such file"),
        (["--storage", "grpc://127.0.0.1:1"], "not before another proxy"),
        (["--storage", "postgres://x"], "unknown storage scheme 'postgres'"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_leaves_nothing(here, capsys, words, told):
    assert told in refused(capsys, "storage", "serve", *words)
    assert contents(here) == []


def test_a_token_that_cannot_be_read_is_not_shown(here, capsys, monkeypatch):
    monkeypatch.setenv("A3B_TUNE_TOKEN", f"{TOKEN} {TOKEN}")
    assert TOKEN not in refused(capsys, "storage", "serve")


def test_a_storage_that_answers_is_a_zero(url, capsys):
    open_storage(url, create=True)
    assert f"{url} answered in " in answered(capsys, "storage", "ping", "--storage", url)
    with serving(url) as address:
        told = answered(capsys, "storage", "ping", "--storage", address)
    assert told.startswith("grpc://127.0.0.1:")
    assert TOKEN not in told


def test_a_storage_that_does_not_is_a_one_with_its_reason(url, capsys):
    with serving(url) as address:
        assert run(["storage", "ping", "--storage", address.replace(TOKEN, "wrong-horse")]) == 1
        out, err = capsys.readouterr()
    assert out == ""
    assert "the token is not the one of the proxy" in one_line(err)
    assert "horse" not in err


def test_a_url_that_is_none_is_a_two(capsys):
    assert "a host and a port" in refused(capsys, "storage", "ping", "--storage", "grpc://h")


def test_a_proxy_whose_database_is_gone_is_a_one(capsys):
    pytest.importorskip("psycopg", reason="the driver of Postgres is an extra")
    with stoppable_server() as database, serving(database.url) as address:
        database.stop()
        assert run(["storage", "ping", "--storage", address]) == 1
    assert "the database behind the proxy does not answer" in one_line(capsys.readouterr().err)


def test_the_url_and_the_token_may_be_secrets_in_files(url, tmp_path, token_file):
    """As a container gets them."""
    with serving(url) as address:
        secret = tmp_path / "url"
        secret.write_text(address.replace(f":{TOKEN}@", "") + "\n")
        secret.chmod(stat.S_IRUSR)
        files = {"A3B_TUNE_STORAGE_FILE": str(secret), "A3B_TUNE_TOKEN_FILE": token_file}
        found = child("storage", "ping", env={**os.environ, **files})
    assert (found.returncode, found.stderr) == (0, "")
    assert " answered in " in found.stdout


def test_nothing_but_one_line_comes_from_a_child_whose_proxy_is_not_there(tmp_path):
    found = child("storage", "ping", "--storage", f"grpc://:{TOKEN}@127.0.0.1:1", cwd=tmp_path)
    assert found.returncode == 1
    assert "nothing listens there" in one_line(found.stderr)
    assert found.stdout == ""
