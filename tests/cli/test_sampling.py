"""The command `sample`: what a model writes, from a study and from a file."""

import json

import pytest

from a3b_tune.data import Alphabet
from tests.cli import letters
from tests.commands import answered, refused
from tests.finals.trained import put, rows_model, text_model
from tests.results import building


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where a study of two trials lies, really trained on `abc abc abc …`."""
    folder = tmp_path_factory.mktemp("sampling")
    letters.trained(building.url_in(folder))
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("A3B_TUNE_STORAGE", building.url_in(folder))
    return folder


def sampled(capsys, *words):
    return json.loads(answered(capsys, "sample", *words, "--json"))


def test_the_best_model_of_a_study_writes_behind_its_seed(capsys):
    told = sampled(capsys, "letters", "--seed-text", "abc a", "--length", "40")
    best = json.loads(answered(capsys, "show", "--json"))["best"][0]["number"]
    assert (told["study"], told["trial"]) == ("letters", best)
    assert told["seed_text"] == "abc a"
    assert len(told["text"]) == 40
    assert set(told["text"]) <= set("abc ")


def test_on_the_screen_stand_seed_and_text(capsys):
    told = sampled(capsys, "--length", "30", "--seed-text", "abc ")
    screen = answered(capsys, "sample", "--length", "30", "--seed-text", "abc ")
    assert screen.splitlines()[0] == ("abc " + told["text"]).rstrip()


def test_the_same_seed_draws_the_same_text_and_another_one_another(capsys):
    words = ("--length", "60", "--seed-text", "abc ", "--temperature", "2")
    first = sampled(capsys, *words)
    assert sampled(capsys, *words) == first
    assert sampled(capsys, *words, "--seed", "1")["text"] != first["text"]


def test_at_temperature_0_and_from_the_likeliest_one_it_is_the_same_whatever_the_seed(capsys):
    how = [("--temperature", "0"), ("--top-k", "1")]
    texts = {
        sampled(capsys, *words, "--seed-text", "abc ", "--seed", seed)["text"]
        for words in how
        for seed in ("0", "5")
    }
    assert len(texts) == 1


def test_without_a_seed_it_begins_as_the_studys_samples_do(capsys):
    told = sampled(capsys, "--length", "5")
    row = json.loads(answered(capsys, "show", "--trial", str(told["trial"]), "--json"))
    assert row["epochs"][-1]["sample"].startswith(told["seed_text"])
    assert len(told["seed_text"]) == 4


def test_a_model_that_was_saved_writes_the_same(capsys, here):
    words = ("--seed-text", "abc ", "--length", "50")
    text = answered(capsys, "sample", "letters", "--save-model", "best.safetensors", *words)
    assert "best.safetensors" in text.splitlines()[-1]
    of_study = sampled(capsys, "letters", *words)
    of_file = sampled(capsys, "best.safetensors", *words)
    assert of_file["text"] == of_study["text"]
    assert of_file["file"] == "best.safetensors"
    # The text of this study calls itself toy, whose grammar says what a sentence is.
    assert of_file["sentences"] == 0


def test_a_trial_that_is_not_the_best_can_be_asked_if_its_model_was_kept(capsys):
    best = sampled(capsys, "--length", "0")["trial"]
    assert sampled(capsys, "--length", "0", "--trial", str(best))["trial"] == best


MISTAKES = {
    "unknown character": (["--seed-text", "abz"], ("character 3", "'z'")),
    "no seed": (["--seed-text", ""], ("seed text", "empty")),
    "below 0": (["--temperature", "-0.5"], ("--temperature -0.5",)),
    "no number": (["--temperature", "nan"], ("--temperature nan",)),
    "hot": (["--temperature", "hot"], ("--temperature hot",)),
    "top k below 0": (["--top-k", "-1"], ("--top-k -1", "at least 0")),
    "length in words": (["--length", "long"], ("--length long", "whole number")),
    "no such trial": (["--trial", "99"], ("trial 99", "letters")),
    "a wrong ending": (["--save-model", "x.bin"], ("x.bin", ".safetensors")),
    "no such folder": (["--save-model", "none/x.safetensors"], ("none/x.safetensors", "no such")),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line(capsys, name):
    words, texts = MISTAKES[name]
    line = refused(capsys, "sample", "letters", *words)
    assert [text for text in texts if text not in line] == []


FILES = {
    "no file": ("none.safetensors", None, "no such file"),
    "nothing": ("x.safetensors", b"", "x.safetensors: "),
    "damaged": ("x.safetensors", b"\x00" * 100, "x.safetensors: "),
    "a pickle": ("x.safetensors", b"\x80\x04cos\nsystem\n.", "x.safetensors: "),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_model_is_one_line(capsys, here, name):
    file, content, text = FILES[name]
    if content is not None:
        (here / file).write_bytes(content)
    assert text in refused(capsys, "sample", file, "--seed-text", "abc")


def test_a_damaged_model_is_one_line(capsys, here):
    words = ("--seed-text", "abc ", "--length", "1")
    answered(capsys, "sample", "--save-model", "whole.safetensors", *words)
    whole = (here / "whole.safetensors").read_bytes()
    for cut in (10, len(whole) // 2, len(whole) - 1):
        (here / "cut.safetensors").write_bytes(whole[:cut])
        assert "cut.safetensors: " in refused(capsys, "sample", "cut.safetensors", *words)
    (here / "odd.safetensors").write_bytes(whole[:-8] + bytes(8))
    assert "odd.safetensors: " in refused(capsys, "sample", "odd.safetensors", *words)


def test_a_file_has_no_trials_and_no_seed_of_its_own(capsys):
    answered(capsys, "sample", "--save-model", "m.safetensors", "--length", "1")
    assert "--trial 0" in refused(capsys, "sample", "m.safetensors", "--trial", "0")
    assert "--seed-text" in refused(capsys, "sample", "m.safetensors")


def test_rows_have_no_model_that_writes(capsys, tmp_path, monkeypatch):
    url = building.url_in(tmp_path)
    building.told(url, [([0.5], "complete")])
    line = refused(capsys, "sample", "--storage", url)
    assert "no model is kept of xor" in line


def test_a_models_folder_writes_as_its_file_does(capsys, tmp_path):
    path, file = put(tmp_path / "mine", text_model(Alphabet(tuple("abc ")))), tmp_path / "m"
    words = ("--seed-text", "abc ", "--length", "20")
    told = sampled(capsys, str(path), *words, "--save-model", f"{file}.safetensors")
    assert (told["folder"], len(told["text"])) == (str(path), 20)
    assert sampled(capsys, f"{file}.safetensors", *words)["text"] == told["text"]
    assert "a folder, which holds one model" in refused(capsys, "sample", str(path), "--trial", "1")


def test_a_models_folder_that_cannot_write_says_what_can_be_done(capsys, tmp_path):
    path = put(tmp_path / "rows", rows_model())
    assert f"writes no text: `a3b-tune predict {path}`" in refused(capsys, "sample", str(path))
    (path / "config.json").unlink()
    assert "config.json is missing" in refused(capsys, "sample", str(path))
