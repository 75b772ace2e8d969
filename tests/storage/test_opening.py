import os
import sqlite3
import sys
import threading

import pytest
from optuna.study import StudyDirection

from a3b_tune.data.load import load
from a3b_tune.errors import InputError
from a3b_tune.starting import context
from a3b_tune.storage import opening
from a3b_tune.storage.opening import (
    check_url,
    nothing_half_made,
    open_storage,
    shown_url,
    world_error,
)
from a3b_tune.study import loads
from a3b_tune.tuning.studies import begin_or_go_on
from tests.commands import PATIENCE
from tests.postgres import PASSWORD
from tests.storage.proxy import TOKEN, serving


def refused(url, **options):
    with pytest.raises(InputError) as error:
        open_storage(url, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_created_can_be_read_again(url):
    open_storage(url, create=True)
    assert open_storage(url).get_all_studies() == []


def test_a_reader_makes_no_file(url, tmp_path):
    assert "no such file" in refused(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://user@host/db", "unknown storage scheme 'mysql'"),
        ("postgre://user@host/db", "did you mean 'postgresql'"),
        ("study.db", "sqlite:///FILE.db"),
        ("sqlite://", "name a file"),
    ],
)
def test_a_wrong_scheme_is_named_with_the_right_ones(url, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert told in refused(url, create=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["mysql://me:s3cret@host/db", "postgresql://me:s3cret@localhost:1/db", "x:s3cret@//"]
)
def test_a_password_is_never_shown(url):
    pytest.importorskip("psycopg")
    assert "s3cret" not in refused(url, create=True)
    assert "s3cret" not in shown_url(url)


def test_a_server_that_does_not_answer_is_one_line():
    pytest.importorskip("psycopg")
    told = refused("postgresql://me@127.0.0.1:1/db", create=True)
    assert told.startswith("postgresql://me@127.0.0.1:1/db: ")


def test_a_wrong_password_of_a_real_server_is_one_line_without_it(postgres):
    wrong = postgres.replace(PASSWORD, "wrong-horse")
    told = refused(wrong, create=True)
    assert "password authentication failed" in told
    assert "horse" not in told


def test_an_empty_database_of_a_real_server_holds_no_studies(new_database):
    told = refused(new_database)
    assert "no studies" in told
    assert PASSWORD not in told


def test_a_folder_that_is_not_there(tmp_path):
    assert "does not exist" in refused(f"sqlite:///{tmp_path}/no/x.db", create=True)


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "x.db").write_text("this is a letter, not a database\n" * 100)
    assert "not a SQLite database" in refused(f"sqlite:///{tmp_path}/x.db", create=True)
    assert (tmp_path / "x.db").read_text().startswith("this is a letter")


def test_a_database_of_something_else_holds_no_studies(tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table t (a)")
    assert "no studies" in refused(f"sqlite:///{tmp_path}/x.db")


def test_a_read_only_file_is_refused_to_a_writer_and_open_to_a_reader(url, tmp_path, monkeypatch):
    open_storage(url, create=True)
    access = os.access  # root may write anything, so the answer is changed, for this file alone

    def denied(path, mode):
        return "studies.db" not in str(path) and access(path, mode)

    monkeypatch.setattr(opening.os, "access", denied)
    assert "read-only" in refused(url, create=True)
    assert open_storage(url).get_all_studies() == []


def test_a_locked_database_is_waited_for_and_then_told(url, tmp_path, monkeypatch):
    open_storage(url, create=True)
    monkeypatch.setattr(opening, "OPEN_TIMEOUT", 0.2)
    holder = sqlite3.connect(tmp_path / "studies.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert "locked" in refused(url, create=True)
    release = threading.Timer(0.1, holder.execute, ("ROLLBACK",))
    release.run()
    assert check_url(url).database == f"{tmp_path}/studies.db"


def test_a_database_of_an_older_optuna_says_how_to_upgrade(url, tmp_path):
    open_storage(url, create=True)
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute("update alembic_version set version_num = 'v2.6.0.a'")
    assert "optuna storage upgrade" in refused(url)


def test_a_database_of_a_newer_optuna_says_so(url, tmp_path):
    open_storage(url, create=True)
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute("update alembic_version set version_num = 'v99.0.0.a'")
    assert "newer Optuna" in refused(url)


def test_a_proxy_is_opened_by_its_url_and_token(url, monkeypatch):
    with serving(url) as address:
        assert open_storage(address, create=True).url == address
        monkeypatch.setenv("A3B_TUNE_TOKEN", TOKEN)
        bare = address.replace(f":{TOKEN}@", "")
        assert open_storage(bare).get_all_studies() == []


@pytest.mark.parametrize("create", [True, False])
def test_a_proxy_that_lets_nobody_in_says_what_it_needs(url, create):
    with serving(url) as address:
        bare = address.replace(f":{TOKEN}@", "")
        assert "needs a token; give it by $A3B_TUNE_TOKEN" in refused(bare, create=create)
        wrong = refused(address.replace(TOKEN, "wrong-horse"), create=create)
        assert wrong == f"{bare}: the token is not the one of the proxy"


def test_a_proxy_that_is_not_there_is_one_line():
    pytest.importorskip("a3b_tune.storage.transport", reason="gRPC is an extra")
    told = refused(f"grpc://:{TOKEN}@127.0.0.1:1")
    assert told.startswith("grpc://127.0.0.1:1: nothing listens there; start it with `a3b-tune")


def test_a_proxys_url_is_checked_without_asking_it():
    assert check_url("grpc://127.0.0.1:1").port == 1
    with pytest.raises(InputError, match="a host and a port"):
        check_url("grpc://127.0.0.1")


def test_without_grpc_a_proxy_says_what_to_install(monkeypatch):
    for name in ("remote", "transport"):
        monkeypatch.setitem(sys.modules, f"a3b_tune.storage.{name}", None)
    told = refused(f"grpc://:{TOKEN}@127.0.0.1:1")
    assert told == "grpc://127.0.0.1:1: this needs gRPC: pip install 'a3b-tune[proxy]'"


def test_a_proxy_that_goes_while_a_study_is_made_is_one_line(url):
    with serving(url) as address:
        storage = open_storage(address)
    with pytest.raises(InputError) as error, nothing_half_made(address):
        storage.create_whole_study("s", StudyDirection.MAXIMIZE, {})
    assert "the storage failed (nothing listens there" in str(error.value)
    assert TOKEN not in str(error.value)


def test_what_a_proxy_refuses_in_mid_run_is_an_error_of_the_world(url):
    with serving(url) as address:
        storage = open_storage(address)
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("DROP TABLE trial_heartbeats")
        with pytest.raises(Exception) as error:
            storage.beats(1)
    assert "the proxy's storage failed" in world_error(error.value)
    assert world_error(KeyError("no such study")) is None


def begin(url, at_once, sender):
    file = loads('[study]\nname="s"\n[data]\nname="xor"\n[model]\nname="baseline"', "s")
    data = load("xor")
    at_once.wait()
    with nothing_half_made(url):
        stored = begin_or_go_on(open_storage(url, create=True), file, data)
    sender.send(stored.id)


def test_many_processes_that_begin_at_once_make_one_study(url):
    """Each begins on a file that is not there yet."""
    count = 6
    at_once = context.Barrier(count)
    receiver, sender = context.Pipe(duplex=False)
    crowd = [context.Process(target=begin, args=(url, at_once, sender)) for _ in range(count)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(PATIENCE)
    assert [process.exitcode for process in crowd] == [0] * count
    assert [receiver.recv() for _ in crowd] == [1] * count
