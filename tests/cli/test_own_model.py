"""A model of a person's own, and word vectors, from a study file to what `show` says."""

import json
import sys

import pytest

from tests.commands import answered, contents, refused

NET = '''\
from torch import nn


class Net(nn.Module):
    """A recurrent network that reads a row from left to right."""

    def __init__(self, *, vocabulary: int, classes: int, max_length: int, width: int = 8):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, classes)

    def forward(self, tokens):
        states, _ = self.gru(self.embedding(tokens))
        return self.out(states[:, -1])


class Mean(nn.Module):
    """One that stacks."""

    def __init__(self, *, vocabulary: int, classes: int, max_length: int, width: int = 8):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.out = nn.Linear(width, classes)

    def forward(self, tokens):
        return self.out(self.embedding(tokens).relu().amax(1))
'''
STUDY = """\
[study]
name = "mine"
sampler = "random"
pruner = "none"
trials = 4

[data]
name = "table"
path = "rows.csv"

[model]
name = "{model}"
width = {{ choices = [4, 8] }}

[optimizer]
lr = {{ low = 1e-3, high = 1e-2, log = true }}

[training]
epochs = 1
batch_size = 16
"""
ROWS = [f"{one} {two},{one != two}" for one in ("true", "false") for two in ("true", "false")]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the file of a person's models."""
    (tmp_path / "my_nets.py").write_text(NET)
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *ROWS * 20]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("my_"):
            del sys.modules[name]


def written(folder, model: str) -> str:
    (folder / "mine.toml").write_text(STUDY.format(model=model))
    return "mine.toml"


def test_a_recurrent_network_is_searched_one_by_one_and_that_is_told_once(here, capsys):
    file = written(here, "my_nets:Net")
    out = answered(capsys, "run", file, "--workers", "1", "--stack", "2")
    assert out.count("cannot be stacked") == 1
    assert "model my_nets:Net cannot be stacked (RuntimeError: Batching rule not" in out
    assert "all trials done" in out
    told = json.loads(answered(capsys, "export", "mine", "--format", "json"))
    assert [trial["state"] for trial in told["trials"]] == ["complete"] * 4
    assert {trial["settings"]["model.name"] for trial in told["trials"]} == {"my_nets:Net"}
    assert "my_nets:Net" in answered(capsys, "studies")
    # What is stored can be read where the class cannot be had.
    (here / "my_nets.py").unlink()
    sys.modules.pop("my_nets")
    assert "model.width" in answered(capsys, "show", "mine")


def test_one_that_stacks_is_searched_in_stacks_beside_the_others(here, capsys):
    file = written(here, "my_nets:Mean")
    more = ["--set", "model.name=baseline|my_nets:Mean", "--workers", "1", "--stack", "2"]
    out = answered(capsys, "run", file, *more)
    assert "cannot be stacked" not in out
    told = json.loads(answered(capsys, "show", "mine", "--json"))
    assert told["counts"]["complete"] == 4


def test_its_name_is_an_option_as_any_others(here, capsys):
    more = ["--model", "my_nets:Mean", "--workers", "1", "--trials", "1"]
    file = written(here, "baseline")
    (here / file).write_text(
        (here / file).read_text().replace("[optimizer]", 'pool = "max"\n[optimizer]')
    )
    out = answered(capsys, "run", file, *more)
    assert "left out, without effect here: model.pool" in out


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("my_nets.Net", "; a model of your own is written package.module:Class"),
        ("my_nets:Nte", "model.name: my_nets: unknown class 'Nte'; did you mean 'Net'?"),
        ("my_netz:Net", "model.name: no module 'my_netz' in "),
        ("my_nets:nn", "model.name: my_nets:nn: is a module, not a class derived from torch.nn.M"),
        (
            "json:JSONDecoder",
            "is a class of another kind, not a class derived from torch.nn.Module",
        ),
    ],
)
def test_a_mistake_is_one_line_and_makes_nothing(here, capsys, model, line):
    file = written(here, model)
    before = contents(here)
    told = refused(capsys, "run", file)
    assert line in told
    assert [name for name in contents(here) if "pycache" not in name] == before
    assert refused(capsys, "study", "check", file) == told


def test_a_worker_that_cannot_import_it_says_so(here, capsys, monkeypatch):
    file = written(here, "my_nets:Mean")
    answered(capsys, "run", file, "--workers", "1", "--trials", "1")
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    sys.path.remove(str(here))
    sys.modules.pop("my_nets")
    told = refused(capsys, "worker", "mine", "--storage", f"sqlite:///{here}/a3b-tune.db")
    line = f"no module 'my_nets' in {elsewhere} or among the installed packages"
    assert told == f"a3b-tune: model.name: {line}"


def test_words_start_from_vectors_and_how_many_is_told(here, capsys):
    (here / "vectors.txt").write_text("true 1 2 3 4\nmovie 1 1 1 1\n")
    file = written(here, "my_nets:Mean")
    text = (here / file).read_text().replace('rows.csv"', 'rows.csv"\nembeddings = "vectors.txt"')
    (here / file).write_text(text)
    told = refused(capsys, "run", file)
    assert "model.width: must be 4, the length of the vectors in vectors.txt, not 8" in told
    assert not (here / "a3b-tune.db").exists()
    out = answered(capsys, "run", file, "--workers", "1", "--set", "model.width=4")
    assert "vectors of vectors.txt for 1 of 6 words" in out
    shown = answered(capsys, "data", "show", "rows.csv", "--embeddings", "vectors.txt")
    assert "vectors of vectors.txt for 1 of 6 words" in shown
    (here / "vectors.txt").write_text("true 1 2 3 5\n")
    told = refused(capsys, "run", file, "--workers", "1", "--set", "model.width=4")
    assert "the data: its rows are not the ones the study began with" in told
    (here / "vectors.txt").write_text("true 1 2 3\nmovie 1 2\n")
    line = "data.embeddings: vectors.txt: line 2 is not a word and 3 numbers"
    assert line in refused(capsys, "run", file, "--set", "model.width=3", "--name", "new")


def test_vectors_that_are_not_there_are_told_with_what_fetches_them(here, capsys):
    changes = ["--set", "data.embeddings=glove.6B.50d"]
    told = refused(capsys, "run", written(here, "baseline"), *changes)
    assert "'glove.6B.50d' is not in " in told
    assert "`a3b-tune data fetch glove` gets glove.6B" in told
