"""Everything that a person can get wrong, and the world: each is one line on stderr and exit code
2, the bad value is in the line, and nothing is made that was not there before."""

import functools
import gzip
import pickle
import re
import shlex
import socket
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from a3b_tune.cli.app import run
from a3b_tune.data import imdb
from a3b_tune.storage.opening import open_storage
from tests.commands import SMALL, answered, child, contents, one_line, refused
from tests.worlds import (
    SOON,
    SOON_ON_TEXT,
    URL,
    Innocent,
    World,
    a_study,
    disk_that_fills_before_the_study,
    files,
    locked,
    no_gpu,
    not_a_database,
    of_another_program,
    of_version,
    postgres,
    read_only,
    reviews,
    small_disk,
    study_and_full_disk,
    table,
    text,
)  # fmt: skip

SECRET = "s3cret"


class Case(NamedTuple):
    """What is typed, what the line must hold, and what the world is like at that moment."""

    typed: str
    texts: tuple[str, ...]
    world: World | None = None


TWO = "label,text\ngood,a fine film\nbad,a dull film\n"
XOR = '[study]\nname = "x"\n[data]\nname = "xor"\n[model]\nname = "baseline"\n'
POSTGRES = f"postgresql://me:{SECRET}@127.0.0.1:CLOSED/x"

CASES = {
    # Names.
    "unknown command": Case("synht", ("unknown command 'synht'", "did you mean 'synth'?")),
    "unknown study": Case("run syth", ("unknown study 'syth'", "did you mean 'synth'?")),
    "unknown study to show": Case("show xr", ("unknown study 'xr'", "'xor'"), a_study),
    "unknown model": Case("xor --model bseline", ("model 'bseline'", "did you mean 'baseline'?")),
    "unknown pool": Case("xor --pool maen", ("model.pool", "pool 'maen'", "did you mean 'mean'?")),
    "unknown sampler": Case("xor --sampler tpee", ("'tpee'; did you mean 'tpe'?",)),
    "unknown pruner": Case("xor --pruner hyperbnd", ("'hyperbnd'; did you mean 'hyperband'?",)),
    "unknown key": Case("xor --set optimizer.lrr=1", ("optimizer", "'lrr'; did you mean 'lr'?")),
    "unknown section": Case("xor --set modl.heads=1", ("'modl.heads'", "'model.heads'")),
    "unknown setting of a model": Case("xor --set model.head=4", ("'head'", "'heads'")),
    "unknown option": Case("xor --trails 4", ("--trails", "--trials")),
    "unknown device": Case("xor --device tpu", ("unknown device 'tpu'", "cpu")),
    "unknown data set": Case("data show xr", ("unknown data set 'xr'", "xor")),
    "unknown format": Case("export xor --format xls", ("unknown format 'xls'", "csv"), a_study),
    # Numbers.
    "no trials": Case("xor --trials 0", ("--trials", "at least 1, not 0")),
    "fewer than no trials": Case("xor --trials -5", ("--trials", "at least 1, not -5")),
    "trials in words": Case("xor --trials many", ("--trials", "a whole number, not 'many'")),
    "half a trial": Case("xor --trials 1.5", ("--trials", "a whole number, not 1.5")),
    "no time": Case("xor --timeout 0", ("--timeout", "above 0, not '0'")),
    "time in words": Case("xor --timeout soon", ("--timeout", "30m", "not 'soon'")),
    "a seed below 0": Case("xor --seed -1", ("--seed", "at least 0, not -1")),
    "no workers": Case("xor --workers 0", ("--workers", "'0'")),
    "workers in words": Case("xor --workers some", ("--workers", "'some'")),
    "top none": Case("show xor --top 0", ("--top 0", "at least 1"), a_study),
    # Settings.
    "a range upside down": Case(
        "xor --set optimizer.lr=1e-1..1e-4", ("optimizer.lr", "0.1 is not below 0.0001")
    ),
    "a range of whole numbers upside down": Case(
        "xor --set model.heads=4..1", ("model.heads", "4 is not below 1")
    ),
    "the logarithm of 0": Case("xor --set optimizer.lr=0..1:log", ("optimizer.lr", "not at 0")),
    "half a range": Case("xor --set optimizer.lr=1e-4..", ("optimizer.lr", "'1e-4..'")),
    "a choice twice": Case("xor --set model.heads=2|2", ("model.heads", "choices hold 2 twice")),
    "no value": Case("xor --set model.heads", ("--set", "'model.heads'", "KEY=VALUE")),
    "no learning rate": Case("xor --set optimizer.lr=0", ("optimizer.lr", "above 0, not 0")),
    "no such temperature": Case(
        "toy --set samples.temperature=-1", ("samples.temperature", "at least 0", "-1")
    ),
    "half an evaluation": Case(
        "toy --set training.steps=14", ("training.steps", "14", "did you mean 10?")
    ),
    "epochs of a text": Case("toy --set training.epochs=3", ("training.epochs", "toy")),
    "steps of rows": Case("xor --set training.steps=300", ("training.steps", "xor")),
    "a trial's time on rows": Case("xor --max-time 5m", ("--max-time", "xor")),
    "no time for a trial": Case("toy --max-time 0", ("--max-time", "above 0, not '0'")),
    "a pool for a text": Case("toy --pool max", ("model.pool", "'pool'")),
    "a model of rows on a text": Case("toy --model baseline", ("baseline", "toy")),
    "a model of text on rows": Case(
        "xor --model causal_transformer", ("causal_transformer", "xor")
    ),
    "accuracy of a text": Case("toy --set study.metric=accuracy", ("study.metric", "bits")),
    "windows longer than the text": Case(
        "toy --set data.max_length=30000", ("data.max_length: 30000", "30001 characters")
    ),
    "batches that cannot be cut": Case(
        "toy --set training.accumulate=5", ("training.accumulate", "5")
    ),
    "no epochs": Case("xor --set training.epochs=0", ("training.epochs", "at least 1, not 0")),
    "no heads": Case("xor --set model.heads=0", ("heads 0", "at least 1")),
    "heads in words": Case("xor --set model.heads=two", ("model.heads", "'two'")),
    "heads that do not fit": Case(
        "xor --set model.heads=7 --set model.width=300", ("width 300", "7 heads")
    ),
    "heads that do not fit in one of the draws": Case(
        "xor --set model.heads=2|3|4 --set model.width=16", ("width 16", "3 heads")
    ),
    "a setting of another model": Case(
        "xor --model baseline --set model.heads=2", ("model.heads", "setting of baseline 'heads'")
    ),
    "a grid over a range": Case(
        "xor --sampler grid", ("grid", "optimizer.lr is 0.0001..0.1:log")
    ),
    "other settings than the study began with": Case(
        "xor --set optimizer.lr=0.2", ("optimizer.lr: stored 0.1, asked 0.2", "--name"), a_study
    ),
    # Study files.
    "no file": Case("run none.toml", ("none.toml: no such file",)),
    "not TOML": Case(
        "run mine.toml", ("mine.toml: not TOML", "line 2"), files(mine__toml="[study]\nname = x")
    ),
    "not even text": Case("run mine.toml", ("mine.toml",), files(mine__toml=bytes(range(256)))),
    "an empty file": Case(
        "run mine.toml", ("mine.toml", "[data] is missing"), files(mine__toml="")
    ),
    "a section misspelt": Case(
        "run mine.toml", ("'modl'", "'model'"), files(mine__toml=XOR.replace("model", "modl"))
    ),
    "a model misspelt": Case(
        "run mine.toml",
        ("mine.toml", "'bseline'; did you mean 'baseline'?"),
        files(mine__toml=XOR.replace("baseline", "bseline")),
    ),
    "a number out of bounds": Case(
        "run mine.toml",
        ("mine.toml", "training.epochs", "not 0"),
        files(mine__toml=XOR + "[training]\nepochs = 0"),
    ),
    # Texts.
    "no text": Case("run text.toml", ("mine.txt: no such file",), text(None)),
    "an empty text": Case("run text.toml", ("mine.txt", "empty"), text(b"")),
    "a text shorter than a window": Case(
        "run text.toml", ("data.max_length: 16", "17 characters"), text(b"a short text")
    ),
    "a text in Latin-1": Case(
        "run text.toml", ("mine.txt: line 1, byte 4", 'tokens = "bytes"'), text(b"caf\xe9 " * 200)
    ),
    "a text that is a folder": Case("run text.toml", ("mine.txt",), text("folder")),
    "a packed text cut short": Case(
        "run text.toml", ("mine.txt.gz", "cut short"),
        text(gzip.compress(b"a text " * 500)[:-30], "mine.txt.gz"),
    ),
    # Samples and curves.
    "a sample of no study": Case("sample none", ("unknown study 'none'",), a_study),
    "a sample of rows": Case("sample xor", ("no model is kept of xor",), a_study),
    "a sample at no temperature": Case("sample xor --temperature -1", ("--temperature -1",)),
    "no file with a model": Case("sample none.safetensors", ("none.safetensors: no such file",)),
    "all samples of no trial": Case("show xor --samples", ("--samples", "--trial N"), a_study),
    "curves into a file": Case(
        "xor --tensorboard-dir taken", ("--tensorboard-dir taken", "nothing can be written"),
        files(taken=""),
    ),
    "a project without a name": Case("xor --wandb a/b", ("--wandb 'a/b'",)),
    # Tables.
    "no table": Case("run mine.toml", ("rows.csv: no such file",), table(None)),
    "no such column": Case(
        "run mine.toml", ("rows.csv: line 1", "'text'; did you mean 'texts'?"),
        table(TWO.replace("text", "texts")),
    ),
    "no such column of labels": Case(
        "run mine.toml", ("rows.csv: line 1", "'lable'; did you mean 'label'?"),
        table(TWO, more='label_column = "lable"'),
    ),
    "one class": Case(
        "run mine.toml", ("rows.csv", "one class, 'good'"), table(TWO.replace("bad", "good"))
    ),
    "an empty row": Case(
        "run mine.toml", ("rows.csv: line 4: no text",), table(TWO + "good,\n")
    ),
    "a row of blanks": Case(
        "run mine.toml", ("rows.csv: line 3",), table(TWO.replace("\nbad", "\n,\nbad"))
    ),
    "Latin-1": Case(
        "run mine.toml", ("rows.csv: line 2, byte 6", "0xe9", "iconv"),
        table(TWO.replace("a fine", "\xe9 fine").encode("latin-1")),
    ),
    "a row too long": Case(
        "run mine.toml", ("rows.csv: line 4: 3 fields",), table(TWO + "good,well,well\n")
    ),
    "a header alone": Case("run mine.toml", ("rows.csv: no rows",), table("label,text\n")),
    "nothing": Case("run mine.toml", ("rows.csv: no rows",), table("")),
    "a spreadsheet": Case("run mine.toml", ("rows.xls", "'.xls'"), table(TWO, "rows.xls")),
    # Reviews.
    "reviews cut short": Case(
        "imdb --data-dir data", (imdb.FILE, "cut short"), reviews(lambda packed: packed[:-1000])
    ),
    "reviews with wrong bytes": Case(
        "imdb --data-dir data", (imdb.FILE, "damaged"),
        reviews(lambda packed: packed[:5000] + bytes(100) + packed[5100:]),
    ),
    "reviews that are a web page": Case(
        "imdb --data-dir data", (imdb.FILE, "not gzip"), reviews(lambda packed: b"<html>log in")
    ),
    "reviews of something else": Case(
        "imdb --data-dir data", (imdb.FILE, "four things"),
        reviews(lambda packed: gzip.compress(pickle.dumps(["reviews"]))),
    ),
    "reviews that carry a class": Case(
        "imdb --data-dir data", (imdb.FILE, "more than plain data"),
        reviews(lambda packed: gzip.compress(pickle.dumps((Innocent(), 1, 2, 3)))),
    ),
    "reviews that no server has": Case(
        "data fetch imdb --data-dir new/folder --from http://127.0.0.1:CLOSED/data",
        ("/data/" + imdb.FILE, "Connection refused", "new/folder by hand"),
    ),
    "a data folder that is a file": Case(
        "data fetch imdb --data-dir folder --from http://127.0.0.1:CLOSED/data",
        ("folder: nothing can be written there",),
        files(folder=""),
    ),
    # Storages.
    "another database": Case(
        f"xor --storage mysql://me:{SECRET}@host/x", ("scheme 'mysql'", "sqlite, postgresql")
    ),
    "a database misspelt": Case(
        f"xor --storage postgres://me:{SECRET}@host/x", ("'postgres'; did you mean 'postgresql'?",)
    ),
    "no URL": Case("xor --storage study.db", ("study.db", "sqlite:///FILE.db")),
    "no URL, and no data either": Case("imdb --storage study.db --data-dir none", ("study.db",)),
    "no file in the URL": Case("xor --storage sqlite:///", ("sqlite:///", "name a file")),
    "a port in words": Case(
        f"xor --storage postgresql://me:{SECRET}@host:port/x", ("host:port/x", "not a storage URL")
    ),
    "a server that is not there": Case(
        f"xor --storage {POSTGRES}", ("postgresql://me:***@127.0.0.1", "refused"), postgres
    ),
    "a server that is not there, to read": Case(
        f"studies --storage {POSTGRES}", ("postgresql://me:***@127.0.0.1", "refused"), postgres
    ),
    "a password behind the question mark": Case(
        f"xor --storage postgresql://127.0.0.1:CLOSED/x?user=me&password={SECRET}",
        ("postgresql://127.0.0.1", "refused"),
        postgres,
    ),
    "an @ in a password": Case(
        f"xor --storage postgresql://me:{SECRET}@{SECRET}@host/x", ("…@host/x", "write %40 for @")
    ),
    "no folder": Case(
        "xor --storage sqlite:////none/x.db", ("sqlite:////none/x.db", "/none does not exist")
    ),
    "sqlite with options": Case(
        "xor --storage sqlite:///x.db?mode=ro", ("sqlite:///x.db?mode=ro", "a file and nothing")
    ),
    "no storage to read": Case("studies", (URL, "no such file")),
    "not a database": Case("xor", ("a3b-tune.db is not a SQLite database",), not_a_database),
    "a study of another program": Case(
        "xor", ("study 'xor'", "not made by a3b-tune"), of_another_program
    ),
    "an older schema": Case("xor", (URL, "optuna storage upgrade"), of_version("v2.6.0.a")),
    "a newer schema": Case("xor", (URL, "newer Optuna"), of_version("v99.0.0.a")),
    "a locked database": Case("xor", (URL, "locked"), locked),
    "a read-only database": Case(
        "xor --storage sqlite:///fixed/x.db", ("fixed/x.db cannot be written",), read_only(True)
    ),
    "a read-only folder": Case(
        "xor --storage sqlite:///fixed/x.db", ("fixed cannot be written",), read_only(False)
    ),
    "a full disk": Case(
        "xor --storage sqlite:///disk/x.db", ("sqlite:///disk/x.db", "full"), small_disk("64k")
    ),
    "a disk too full for a study": Case(
        "xor --storage sqlite:///disk/x.db", ("full",), disk_that_fills_before_the_study
    ),
    "a full disk for a table": Case(
        "export --out disk/x.csv", ("disk/x.csv", "no space left"), study_and_full_disk
    ),
    # Devices.
    "no GPU": Case("xor --device cuda", ("--device cuda", "no GPU", "--device cpu"), no_gpu),
    "not so many GPUs": Case("xor --device cuda:99", ("--device cuda:99", "GPU")),
}  # fmt: skip
SEARCHES, TEXTS = ("xor", "synth", "imdb", "run"), ("toy", "wp")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder


@functools.cache
def closed_port() -> tuple[int, socket.socket]:
    """A port that nobody listens on; it is held, so that nobody will."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder.getsockname()[1], holder


def words_of(case: Case) -> list[str]:
    """What is typed, so that it would end soon if it were accepted."""
    words = shlex.split(case.typed.replace("CLOSED", str(closed_port()[0])))
    if words[0] in TEXTS:
        soon = SOON_ON_TEXT
    else:
        soon = SOON if words[0] in SEARCHES and "text.toml" not in words else ""
    return [words[0], *shlex.split(soon), *words[1:]]


def without_sidecars(names):
    """SQLite's own files beside a database that is there already are nobody's doing."""
    return [name for name in names if not name.endswith(("-wal", "-shm"))]


@pytest.mark.parametrize("name", CASES)
def test_it_is_one_line_with_the_bad_value_and_nothing_is_made(name, here, capsys):
    case = CASES[name]
    with ExitStack() as stack:
        if case.world is not None:
            case.world(here, stack)
        capsys.readouterr()
        before = without_sidecars(contents(here))
        line = refused(capsys, *words_of(case))
        assert without_sidecars(contents(here)) == before
    assert [text for text in case.texts if text not in line] == []
    assert SECRET not in line
    assert len(line) < 500


AS_A_CHILD = (
    "unknown command", "heads that do not fit", "a server that is not there",
    "reviews that carry a class",
)  # fmt: skip


@pytest.mark.parametrize("name", AS_A_CHILD)
def test_the_same_from_a_shell(name, here):
    case = CASES[name]
    with ExitStack() as stack:
        if case.world is not None:
            case.world(here, stack)
        before = contents(here)
        done = child(*words_of(case), cwd=here)
        assert contents(here) == before
    assert (done.returncode, done.stdout) == (2, "")
    line = one_line(done.stderr)
    assert [text for text in case.texts if text not in line] == []
    assert SECRET not in line


def test_a_study_file_is_never_changed_by_being_refused(here, capsys):
    (here / "mine.toml").write_text(XOR)
    refused(capsys, "run", "mine.toml", "--trials", "0")
    assert (here / "mine.toml").read_text() == XOR


def test_a_disk_that_fills_in_mid_run_keeps_what_was_done(here, capsys):
    with ExitStack() as stack:
        small_disk("1200k")(here, stack)
        url = "sqlite:///disk/x.db"
        code = run([*SMALL, "--trials", "500", "--storage", url, "--patience", "0s"])
        out, err = capsys.readouterr()
        assert code == 2
        line = one_line(err)
        assert "the disk is full" in line
        assert "every finished trial is kept" in line
        told = {int(number) for number in re.findall(r"\] ✓ trial (\d+)", out)}
        assert told
        storage = open_storage(url)
        (study,) = storage.get_all_studies()
        trials = storage.get_all_trials(study._study_id)
        # A log has a line for the first of many that end in a moment, not for all.
        assert told <= {trial.number for trial in trials if trial.value}
        storage.engine.dispose()


def test_what_was_refused_can_be_put_right(here, capsys):
    """Nothing of a mistake stands in the way of the command as it was meant."""
    refused(capsys, *SMALL, "--trials", "none")
    refused(capsys, *SMALL, "--set", "model.widht=4")
    assert "1 of 1 done" in answered(capsys, *SMALL, "--trials", "1")
