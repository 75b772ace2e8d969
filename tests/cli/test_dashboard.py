import json
import signal
import stat
import sys
import urllib.request

import pytest

from tests.commands import Forked, Running, answered, child, contents, refused
from tests.results import building

pytest.importorskip("optuna_dashboard", reason="the dashboard is an extra")
pytest.importorskip("waitress", reason="the dashboard is an extra")

TOKEN = "correct-battery-staple"


def told(capsys, *words: str) -> str:
    return refused(capsys, "dashboard", *words)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


def test_it_says_where_it_is_and_ends_with_ctrl_c(tmp_path, url):
    building.told(url, building.MIXED)
    with Running(tmp_path, "dashboard", "--storage", url, "--port", "0") as running:
        running.until(lambda: "Ctrl-C ends it" in running.output)
        address = running.output.split()[0]
        assert "open to everybody on this machine" in running.output
        assert f"studies of {url}" in running.output
        with urllib.request.urlopen(f"{address}/api/studies") as answer:
            assert json.load(answer)["study_summaries"][0]["study_name"] == "small"
        running.process.send_signal(signal.SIGINT)
        assert running.end() == 130
        assert len(running.output.splitlines()) == 2, running.output


def test_it_ends_when_it_is_told_to(tmp_path, url):
    building.told(url, [([0.5], "complete")])
    words = ("dashboard", "--storage", url, "--port", "0", "--read-only")
    with Forked(tmp_path, *words) as running:
        running.until(lambda: "read-only; Ctrl-C ends it" in running.output)
        running.process.send_signal(signal.SIGTERM)
        assert running.end() == 143


def test_a_token_is_in_no_output_and_in_no_list_of_processes(tmp_path, url, file):
    building.told(url, [([0.5], "complete")])
    words = ("--token-file", str(file), "--host", "0.0.0.0", "--insecure-http", "--port", "0")
    folder = tmp_path / "empty"
    folder.mkdir()
    with Running(folder, "dashboard", "--storage", url, *words) as running:
        running.until(lambda: "who listens in sees the token" in running.output)
        assert "behind a login" in running.output
        port = running.output.split()[0].rpartition(":")[2]
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/api/studies")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(asked)
        asked.add_header("Authorization", f"Bearer {TOKEN}")
        urllib.request.urlopen(asked).close()
        if sys.platform == "linux":
            from pathlib import Path

            process = Path(f"/proc/{running.process.pid}")
            assert TOKEN not in (process / "cmdline").read_text()
        running.process.send_signal(signal.SIGINT)
        assert running.end() == 130
        assert TOKEN not in running.output
    assert contents(folder) == []


def test_a_token_is_made_once(capsys, tmp_path):
    path = tmp_path / "new-token"
    out = answered(capsys, "dashboard", "--make-token", str(path))
    assert out == f"{path} holds a new token; serve with --token-file {path}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() not in out
    assert "is there already" in told(capsys, "--make-token", str(path))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "studies.example.org"])
def test_off_this_machine_it_does_not_start_without_a_token(capsys, url, host):
    line = told(capsys, "--storage", url, "--host", host)
    assert "`a3b-tune dashboard --make-token FILE`" in line


def test_mistakes_are_told_before_a_storage_is_looked_at(capsys, tmp_path, file):
    nowhere = ("--storage", f"sqlite:///{tmp_path}/none.db")
    token = ("--token-file", str(file))
    assert "in clear" in told(capsys, *nowhere, *token, "--host", "0.0.0.0")
    assert "--port 99999: must be at most 65535" in told(capsys, *nowhere, "--port", "99999")
    assert "--port x: must be a whole number" in told(capsys, *nowhere, "--port", "x")
    assert "give both" in told(capsys, *nowhere, *token, "--tls-key", str(file))
    assert "no certificate" in told(
        capsys, *nowhere, *token, "--tls-cert", str(file), "--tls-key", str(file)
    )
    assert "No such file" in told(capsys, *nowhere, "--token-file", str(tmp_path / "no"))
    assert "no such file" in told(capsys, *nowhere)
    assert contents(tmp_path) == ["token"]


def test_help_tells_of_the_lock(tmp_path):
    done = child("dashboard", "--help", cwd=tmp_path)
    assert done.returncode == 0
    for word in ("--read-only", "--make-token", "--tls-cert", "--behind-proxy"):
        assert word in done.stdout
