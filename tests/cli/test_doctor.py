import json

import psutil
import pytest

from a3b_tune.cli.app import run


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("A3B_TUNE_STORAGE", raising=False)


def test_each_line_begins_with_its_status(capsys, tmp_path):
    assert run(["doctor", "--data-dir", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    *checks, blank, summary = out.splitlines()
    first = {line.split()[0] for line in checks if not line.startswith(" ")}
    assert first <= {"ok", "warning"}
    assert blank == ""
    assert summary.startswith("0 problems, ")
    assert max(map(len, out.splitlines())) <= 80
    assert err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_problem_says_what_to_do_and_ends_with_1(capsys):
    assert run(["doctor", "--storage", "sqlite:////nowhere/x.db"]) == 1
    out, _ = capsys.readouterr()
    assert "problem  storage" in out
    assert "the folder /nowhere does not exist" in " ".join(out.split())
    assert "1 problem, " in out


def test_a_warning_does_not_change_the_exit_code(capsys, monkeypatch):
    monkeypatch.setattr(psutil, "getloadavg", lambda: (9_999.0, 0.0, 0.0))
    assert run(["doctor"]) == 0
    assert "warning  cores" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("storage", "ok", "code"), [("sqlite:///new.db", True, 0), ("mysql://x/y", False, 1)]
)
def test_json_tells_the_same(capsys, storage, ok, code):
    assert run(["doctor", "--json", "--storage", storage]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is ok
    status = {check["name"]: check["status"] for check in told["checks"]}
    assert status["storage"] == ("ok" if ok else "problem")


def test_a_password_is_never_printed(capsys):
    run(["doctor", "--storage", "postgresql://me:hunter2@127.0.0.1:1/x"])
    out, err = capsys.readouterr()
    assert "hunter2" not in out + err
