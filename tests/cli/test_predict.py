"""The command `predict`, on folders with models that nobody trained."""

import io
import json
import subprocess
import sys

import pytest

from a3b_tune.cli.app import run
from tests.commands import PATIENCE, answered, contents, one_line, refused
from tests.finals import checkpoints

LINES = "this old movie\n\nnot very grreat \x1b[31m\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    checkpoints.rows(folder / "base", width=4)
    checkpoints.rows(folder / "looks", "simple_attention", pool="mean", width=4)
    checkpoints.text(folder / "writes")
    (folder / "lines.txt").write_text(LINES)
    (folder / "table.csv").write_text('id,review\n1,"bad, old"\n2,great film\n')
    (folder / "latin.txt").write_bytes(b"fine\n" * 3000 + b"caf\xe9\n")
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def told(capsys, *words):
    """The objects that `--json` prints."""
    code = run(["predict", *words, "--json"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def piped(monkeypatch, raw: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(raw))))


def test_a_text_is_told_with_each_class_and_its_unknown_words(capsys):
    lines = answered(capsys, "predict", "base", "this old movie was very grreat").splitlines()
    assert {line.split()[0] for line in lines[:2]} == {"negative", "positive"}
    first, second = (float(line.split()[1]) for line in lines[:2])
    assert first >= second
    assert first + second == pytest.approx(1.0, abs=0.002)
    assert lines[3:] == ["this old movie was very grreat", "1 of 6 words unknown: grreat"]


def test_json_is_an_object_a_line(capsys):
    one, two = told(capsys, "base", "not very grreat", "")
    assert list(one["probabilities"]) == ["negative", "positive"]
    assert (one["text"], one["words"], one["unknown"]) == ("not very grreat", 3, ["grreat"])
    assert one["class"] == max(one["probabilities"], key=one["probabilities"].get)
    assert (two["text"], two["words"], two["unknown"]) == ("", 0, [])


def test_a_file_and_standard_input_are_answered_as_their_lines_are(capsys, monkeypatch):
    texts = LINES.splitlines()
    wanted = told(capsys, "base", *texts)
    assert told(capsys, "base", "lines.txt") == wanted
    piped(monkeypatch, LINES.encode())
    assert told(capsys, "base", "-") == wanted
    piped(monkeypatch, LINES.encode())
    assert told(capsys, "base") == wanted


def test_on_the_screen_a_line_each_and_a_sum_on_stderr(capsys):
    assert run(["predict", "base", "lines.txt"]) == 0
    out, err = capsys.readouterr()
    shown = [line.split("  ", 1)[1] for line in out.splitlines()]
    assert shown == ["this old movie", "(no words)", "not very grreat ?[31m"]
    assert err.startswith("3 texts: ")
    assert "words unknown" in err


def test_a_column_of_a_table(capsys):
    answers = told(capsys, "base", "table.csv", "--column", "review")
    assert [own["text"] for own in answers] == ["bad, old", "great film"]


def test_the_name_of_a_file_may_be_meant_as_a_text(capsys):
    assert [own["text"] for own in told(capsys, "base", "lines.txt", "--text")] == ["lines.txt"]


def test_explain_weighs_words_and_pairs(capsys):
    [own] = told(capsys, "base", "not very bad", "--explain")
    assert own["explained"] == "contribution"
    assert [word for word, _ in own["weights"]] == ["not", "not very", "very", "bad"]
    screen = answered(capsys, "predict", "base", "not very bad", "--explain")
    assert "not [not very] very bad" in screen
    assert "most for it: " in screen
    [own] = told(capsys, "looks", "not very bad", "--explain")
    assert own["explained"] == "attention"
    assert sum(weight for _, weight in own["weights"]) == pytest.approx(1, abs=1e-4)
    screen = answered(capsys, "predict", "looks", "not very bad", "--explain")
    assert "Attention is not Explanation" in " ".join(screen.split())


def test_a_page_explains_all_texts_or_is_not_there(capsys, here):
    assert run(["predict", "base", "lines.txt", "--html", "why.html"]) == 0
    assert "the page is why.html" in capsys.readouterr().err
    assert (here / "why.html").read_text().count("<article>") == 3
    before = contents(here)
    assert "none/why.html" in refused(capsys, "predict", "base", "a", "--html", "none/why.html")
    assert contents(here) == before


MISTAKES = {
    "no folder": (["none", "a"], ("none: no such folder",)),
    "no checkpoint": (["lines.txt", "a"], ("lines.txt: is no folder",)),
    "text": (["writes", "a"], ("writes: ", "a3b-tune sample writes")),
    "no file": (["base", "nofile.txt"], ("nofile.txt: no such file", "--text")),
    "no column": (["base", "table.csv"], ("table.csv: line 1", "'text'", "review", "--column")),
    "Latin-1": (["base", "lines.txt", "latin.txt"], ("latin.txt: line 3001, byte 4", "0xe9")),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_answered(capsys, name):
    words, texts = MISTAKES[name]
    line = refused(capsys, "predict", *words)
    assert [text for text in texts if text not in line] == []


def test_a_stream_is_answered_in_whole_lines_up_to_what_is_wrong(capsys, monkeypatch):
    piped(monkeypatch, b"old\ncaf\xe9\n")
    code = run(["predict", "base"])
    out, err = capsys.readouterr()
    assert code == 2
    assert "standard input: line 2, byte 4" in one_line(err)
    assert out == "" or out.endswith("\n")


DAMAGES = {
    "cut short": ("model.safetensors", lambda raw: raw[:-9]),
    "another version": ("config.json", lambda raw: raw.replace(b'"format": 1', b'"format": 7')),
    "another vocabulary": ("vocabulary.json", lambda raw: raw.replace(b"great", b"grand")),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_one_line(capsys, tmp_path, name):
    file, damage = DAMAGES[name]
    path = checkpoints.rows(tmp_path / "made", width=4) / file
    path.write_bytes(damage(path.read_bytes()))
    line = refused(capsys, "predict", str(tmp_path / "made"), "a")
    assert str(tmp_path / "made") in line


# What no answer needs and takes long to load.
HEAVY = ("optuna", "sqlalchemy", "torch._dynamo", "sympy", "transformers", "onnx")


def test_a_reader_that_has_enough_is_no_mistake_and_nothing_heavy_was_loaded(here):
    (here / "many.txt").write_text("this old movie was not very grreat\n" * 10_000)
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print({HEAVY} & sys.modules.keys(), file=sys.stderr))\n"
        "from a3b_tune.cli.app import main\n"
        "main(['predict', 'base', 'many.txt', '--json'])"
    ).replace(f"{HEAVY} &", f"set({HEAVY}) &")
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert json.loads(child.stdout.readline())["unknown"] == ["grreat"]
        child.stdout.close()
        err = child.stderr.read()
        assert (child.wait(timeout=PATIENCE), err) == (0, "set()\n")
