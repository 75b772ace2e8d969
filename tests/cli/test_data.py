import json
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from a3b_tune.cli.data import dataset_facts
from a3b_tune.cli.figures import grouped
from a3b_tune.data import imdb
from a3b_tune.data.load import load
from tests.commands import answered, contents, refused, small_imdb

TABLE = "label,text\n" + "".join(
    f"{label},{text}\n" for label in ("good", "bad") for text in ("one film", "two", "a b c d", "e")
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def review_folder(tmp_path):
    return small_imdb(tmp_path / "data")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        """Keeps the test's output clean."""


@pytest.mark.parametrize("name", ["xor", "synth"])
def test_show_tells_what_the_data_set_holds(capsys, name):
    told = json.loads(answered(capsys, "data", "show", name, "--json"))
    data = load(name)
    assert told["hash"] == data.data_hash
    assert told["vocabulary"] == len(data.vocabulary.i2w)
    for part, rows in (("train", data.train), ("validation", data.validation)):
        assert told["parts"][part]["rows"] == len(rows)
        assert sum(told["parts"][part]["classes"].values()) == len(rows)
        assert told["parts"][part]["shortest"] == int(rows.lengths.min())
        assert told["parts"][part]["longest"] == int(rows.lengths.max())


def test_show_prints_the_same_for_people(capsys):
    told = json.loads(answered(capsys, "data", "show", "xor", "--json"))
    out = answered(capsys, "data", "show", "xor")
    assert out.startswith("xor\n")
    assert told["hash"] in out
    assert grouped(told["parts"]["train"]["rows"]) in out
    assert all(f"{example['class']}  {example['text']}\n" in out for example in told["rows"])
    assert max(map(len, out.splitlines())) <= 80


def test_another_seed_makes_another_data_set(capsys):
    first, again, other = (
        json.loads(answered(capsys, "data", "show", "xor", "--json", "--seed", seed))["hash"]
        for seed in ("0", "0", "1")
    )
    assert first == again != other


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_so_many_rows_are_shown_from_short_to_long(capsys, count):
    told = json.loads(answered(capsys, "data", "show", "synth", "--rows", str(count), "--json"))
    assert len(told["rows"]) == count
    lengths = [len(example["text"].split()) for example in told["rows"]]
    assert lengths == sorted(lengths)


def test_more_rows_than_there_are_shows_all(capsys, here):
    (here / "rows.csv").write_text(TABLE)
    told = json.loads(answered(capsys, "data", "show", "rows.csv", "--rows", "99", "--json"))
    assert len(told["rows"]) == told["parts"]["validation"]["rows"] == 2


def test_a_table_of_ones_own_with_its_own_columns(capsys, here):
    (here / "rows.tsv").write_text(TABLE.replace(",", "\t").replace("label\ttext", "stars\treview"))
    words = ["data", "show", "rows.tsv", "--json"]
    told = json.loads(
        answered(capsys, *words, "--label-column", "stars", "--text-column", "review")
    )
    assert set(told["parts"]["train"]["classes"]) == {"good", "bad"}
    err = refused(capsys, *words, "--label-column", "star", "--text-column", "review")
    assert "unknown column 'star'; did you mean 'stars'?" in err


def test_a_long_row_is_cut_at_the_edge_of_the_screen(capsys, here):
    words = " ".join(["word"] * 100)
    (here / "rows.csv").write_text("label,text\n" + f"a,{words}\nb,{words}\n" * 20)
    out = answered(capsys, "data", "show", "rows.csv")
    assert "…" in out
    # Only the hash stays whole, as a script may want it.
    assert [line for line in out.splitlines() if len(line) > 80] == []


def test_reviews_are_read_from_the_folder_that_is_named(capsys, review_folder):
    told = json.loads(
        answered(capsys, "data", "show", "imdb", "--data-dir", str(review_folder), "--json")
    )
    assert told["parts"]["train"]["rows"] == 50
    assert told["parts"]["validation"]["rows"] == 5_000
    assert set(told["parts"]["train"]["classes"]) == {"positive", "negative"}


def test_fetch_prints_the_path_of_a_file_that_is_there_already(capsys, review_folder):
    before = contents(review_folder)
    out = answered(capsys, "data", "fetch", "imdb", "--data-dir", str(review_folder))
    assert out == f"{review_folder / imdb.FILE}\n"
    assert contents(review_folder) == before


def test_fetch_takes_a_file_from_another_address(capsys, here, review_folder, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(review_folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        words = ["data", "fetch", "imdb", "--data-dir", "new/folder", "--from", address]
        out = answered(capsys, *words)
    finally:
        server.shutdown()
        server.server_close()
    assert out == f"new/folder/{imdb.FILE}\n"
    assert contents(here / "new") == ["folder", f"folder/{imdb.FILE}"]


def test_a_fetch_that_fails_leaves_not_even_its_folder(capsys, here):
    address = "http://127.0.0.1:1/data"
    words = ["data", "fetch", "imdb", "--data-dir", "new/folder", "--from", address]
    err = refused(capsys, *words)
    assert f"{address}/{imdb.FILE}" in err
    assert f"place {imdb.FILE} in new/folder by hand" in err
    assert contents(here) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["show", "xorr"], "unknown data set 'xorr'; did you mean 'xor'?"),
        (["show", "none.csv"], "none.csv: no such file"),
        (["show", "rows.xls"], "unknown kind of table '.xls'"),
        (["show", "imdb", "--data-dir", "."], f"{imdb.FILE}: no such file"),
        (["fetch", "xor"], "unknown data set to fetch 'xor' (known: imdb, wp, glove)"),
        (["show", "wp", "--data-dir", "."], "enwik8.gz: no such file"),
        (["show", "none.txt", "--tokens", "bytes"], "none.txt: no such file"),
        (["show", "none.txt", "--tokens", "byte"], "unknown kind of token 'byte'; did you mean"),
        (["show", "xor", "--rows", "-1"], "'--rows'"),
        (["show", "xor", "--seed", "x"], "'--seed'"),
    ],
)
def test_a_mistake_is_one_line_and_makes_nothing(capsys, here, arguments, text):
    assert text in refused(capsys, "data", *arguments)
    assert contents(here) == []


def test_toy_is_told_with_its_alphabet_and_floor(capsys):
    told = json.loads(answered(capsys, "data", "show", "toy", "--json"))
    text = load("toy")
    assert told["hash"] == text.data_hash and told["alphabet"] == list(text.alphabet.i2t)
    assert told["parts"] == {"train": 100_018, "validation": 20_017, "test": len(text.test)}
    assert told["floor"] == {"value": text.floor.value, "error": text.floor.error}
    assert told["ideal"] == float(text.ideal.mean())
    out = answered(capsys, "data", "show", "toy", "--rows", "3")
    assert "100 018" in out and "alphabet of 31 characters: .pad .start .end .unk ␣" in out
    assert f"floor {text.floor.value:.4f} ± {text.floor.error:.4f} bits per character" in out
    assert told["lines"][2] in out and told["lines"][3] not in out
    assert text.alphabet.decode(text.validation).startswith(told["lines"][0])


@pytest.mark.parametrize(("tokens", "size"), [("characters", 4), ("bytes", 256)])
def test_a_text_of_ones_own(capsys, here, tokens, size):
    (here / "own.txt").write_text("äb\n\x1b" * 100)
    words = ["data", "show", "own.txt", "--tokens", tokens]
    told = json.loads(answered(capsys, *words, "--json"))
    assert len(told["alphabet"]) == size and told["unit"] == tokens.removesuffix("s")
    assert told["floor"] is told["ideal"] is None
    out = answered(capsys, *words)
    assert f"alphabet of {size} {tokens}" in out and "floor" not in out
    assert "\x1b" not in out and max(map(len, out.splitlines())) <= 80


def test_facts_are_plain_numbers_that_json_takes():
    facts = dataset_facts(load("xor"))
    assert json.loads(json.dumps(facts)) == facts
    assert re.fullmatch("[0-9a-f]{64}", facts["hash"])
