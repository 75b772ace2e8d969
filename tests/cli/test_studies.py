import csv
import io
import json
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import optuna
import pytest

from a3b_tune.cli.app import run
from a3b_tune.cli.studies import complete_study
from a3b_tune.results.trials import rows
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import load, override
from a3b_tune.study.catalogue import find
from a3b_tune.training.prepared import load_dataset
from a3b_tune.tuning.studies import begin_or_go_on
from tests.results import building


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    url = building.url_in(tmp_path_factory.mktemp("commands"))
    building.told(url, building.MIXED)
    building.told(url, [([1.0], "complete")], "study.name=other")
    return url


@pytest.fixture
def one(tmp_path, monkeypatch):
    """The default storage of this folder, with a single study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("A3B_TUNE_STORAGE", raising=False)
    return building.told("sqlite:///a3b-tune.db", building.MIXED)


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def refused(capsys, *arguments) -> str:
    """Runs a command that must fail as a mistake does: its one line."""
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def answered(capsys, *arguments) -> str:
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_studies_lists_all_with_their_progress(capsys, url):
    out = answered(capsys, "studies", "--storage", url)
    assert "6 of 12" in out
    assert "2 studies in" in out
    told = json.loads(answered(capsys, "studies", "--storage", url, "--json"))
    assert told["storage"] == url
    assert {line["name"]: line["best"] for line in told["studies"]} == {"small": 0.75, "other": 1.0}


def test_show_needs_no_name_where_there_is_one_study(capsys, one):
    out = answered(capsys, "show")
    assert out.startswith("small\n")
    assert "--storage" not in out
    assert answered(capsys, "show", "small") == out


def test_show_repeats_the_storage_in_the_commands_it_offers(capsys, url):
    assert f"--trial 4 --storage {url}" in answered(capsys, "show", "small", "--storage", url)


def test_show_as_json_agrees_with_the_database(capsys, one):
    told = json.loads(answered(capsys, "show", "--json", "--top", "1"))
    assert told["counts"]["pruned"] == 3
    assert [row["number"] for row in told["best"]] == [4]


def test_one_trial_is_shown_whole(capsys, one):
    assert "trial 0 of small" in answered(capsys, "show", "--trial", "0")
    told = json.loads(answered(capsys, "show", "--trial", "0", "--json"))
    assert told == rows(one.study)[0].to_json()


def test_export_prints_csv_by_default(capsys, one):
    lines = list(csv.DictReader(io.StringIO(answered(capsys, "export"))))
    assert [line["state"] for line in lines] == [row.state for row in rows(one.study)]


def test_export_takes_the_format_from_the_file(capsys, one, tmp_path):
    assert "7 trials of small written to x.json" in answered(capsys, "export", "-o", "x.json")
    assert len(json.loads((tmp_path / "x.json").read_text())["trials"]) == 7


def test_parquet_goes_through_a_pipe(one):
    pyarrow = pytest.importorskip("pyarrow.parquet")
    command = [sys.executable, "-c", "from a3b_tune.cli.app import main; main()"]
    done = subprocess.run(
        [*command, "export", "--format", "parquet"], capture_output=True, check=True, timeout=120
    )
    assert pyarrow.read_table(io.BytesIO(done.stdout)).num_rows == 7


def test_parquet_is_not_for_a_screen(capsys, one, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "add --out FILE.parquet" in refused(capsys, "export", "--format", "parquet")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["show", "smal"], "unknown study 'smal'; did you mean 'small'? (known: small, other)"),
        (["show"], "which study? "),
        (["export", "smal"], "did you mean 'small'?"),
        (["show", "small", "--trial", "7"], "--trial 7: study 'small' has the trials 0 to 6"),
        (["show", "small", "--trial", "-1"], "--trial -1: must be at least 0"),
        (["show", "small", "--top", "0"], "--top 0: must be at least 1"),
        (["show", "small", "--top", "many"], "--top many: must be a whole number"),
        (["export", "small", "--format", "xls"], "--format: unknown format 'xls'"),
        (["export", "small", "--out", "/nowhere/x.csv"], "the folder /nowhere does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, url, arguments, text):
    assert text in refused(capsys, *arguments, "--storage", url)


COMMANDS = [["studies"], ["show", "x"], ["export", "x"], ["studies", "--json"]]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("storage", "text"),
    [
        ("mysql://me:secret@db/x", "unknown storage scheme 'mysql'"),
        ("nothing", "not a storage URL"),
        ("sqlite:///none.db", "no such file"),
        ("sqlite:////nowhere/none.db", "the folder /nowhere does not exist"),
        ("sqlite:///text.db", "is not a SQLite database"),
        ("sqlite:///empty.db", "holds no studies"),
    ],
)
def test_a_storage_that_cannot_be_read_is_one_line(
    capsys, tmp_path, monkeypatch, command, storage, text
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.db").write_text("no database" * 100)
    sqlite3.connect("empty.db").execute("CREATE TABLE x (y)").connection.close()
    before = sorted(tmp_path.iterdir())
    err = refused(capsys, *command, "--storage", storage)
    assert text in err
    assert "secret" not in err
    assert sorted(tmp_path.iterdir()) == before


def test_a_database_damaged_in_the_middle_is_one_line(capsys, one, tmp_path):
    one.storage.engine.dispose()
    path = tmp_path / "a3b-tune.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    for extra in tmp_path.glob("a3b-tune.db-*"):
        extra.unlink()
    assert "a3b-tune: " in refused(capsys, "show")


def test_a_storage_without_studies_says_how_to_begin(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    open_storage("sqlite:///new.db", create=True)
    out = answered(capsys, "studies", "--storage", "sqlite:///new.db")
    assert "begin one with" in out
    err = refused(capsys, "show", "--storage", "sqlite:///new.db")
    assert "holds no studies; begin one" in err


def test_a_study_of_another_program_is_listed_but_not_shown(capsys, tmp_path):
    url = building.url_in(tmp_path)
    storage = open_storage(url, create=True)
    optuna.create_study(study_name="other", storage=storage)
    assert "other (not made by a3b-tune)" in answered(capsys, "studies", "--storage", url)
    assert "was not made by a3b-tune" in refused(capsys, "show", "--storage", url)


@pytest.mark.parametrize(
    ("study", "changes", "command"),
    [
        ("xor", [], "a3b-tune xor --trials 100"),
        ("xor", ["study.name=mine", "study.trials=7"], "a3b-tune xor --trials 7 --name mine"),
        ("baseline_xor", ["study.trials=5"], "a3b-tune run baseline_xor --trials 5"),
        ("xor", ["training.epochs=3"], None),
    ],
)
def test_show_says_how_to_go_on_where_that_command_would_do(
    capsys, tmp_path, study, changes, command
):
    url = building.url_in(tmp_path)
    file = override(load(find(study)), changes)
    begin_or_go_on(open_storage(url, create=True), file, load_dataset(file.data))
    out = answered(capsys, "show", "--storage", url)
    line = next((line for line in out.splitlines() if line.startswith("more trials")), None)
    if command is None:
        assert line is None
    else:
        asked = file.study.trials
        assert (
            line.split(maxsplit=2)[2]
            == f"{command.split(' --trials')[0]} --trials {asked}"
            + (" --name mine" if "mine" in command else "")
            + f" --storage {url}"
        )


def test_tab_offers_the_studies_of_the_storage_and_is_silent_without_one(url, capsys):
    def offered(storage, begun=""):
        return complete_study(SimpleNamespace(params={"storage": storage}), begun)

    assert offered(url) == ["small", "other"]
    assert offered(url, "o") == ["other"]
    assert offered("sqlite:////nowhere/x.db") == []
    assert capsys.readouterr() == ("", "")


def test_help_of_the_reading_commands_loads_nothing_heavy():
    code = (
        "import sys; from a3b_tune.cli.app import run; run(['show', '--help']);"
        "print(sorted({'torch', 'optuna', 'sqlalchemy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
