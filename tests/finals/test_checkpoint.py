"""A model's folder: what was written is what is opened, or one line says why not."""

import json
import sys
from functools import cache
from pathlib import Path
from re import search
from tempfile import mkdtemp

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from a3b_tune.data import Alphabet
from a3b_tune.errors import InputError
from a3b_tune.finals import checkpoint
from a3b_tune.finals.checkpoint import open_checkpoint
from tests.finals.trained import METRICS, PROVENANCE, put, rows_model, text_model

TOKENS = torch.tensor([[4, 5, 4], [5, 3, 0]])


@cache
def files() -> dict[str, bytes]:
    """A folder's files by name."""
    path = put(Path(mkdtemp()) / "rows", rows_model())
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def folder_of(folder: Path, contents: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_checkpoint(path)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert told.isprintable() and len(told) < 500
    return told


def rewritten(folder: Path, **changes) -> Path:
    """A folder whose hashes all fit, written by somebody who wants harm."""
    contents = dict(files())
    config = json.loads(contents["config.json"]) | changes
    names = ("vocabulary.json", "model.safetensors")
    size = int.from_bytes(contents[names[1]][:8], "little")
    header = json.loads(contents[names[1]][8 : 8 + size])
    header["__metadata__"]["config"] = checkpoint._digest(config)
    text = json.dumps(header).encode()
    contents[names[1]] = len(text).to_bytes(8, "little") + text + contents[names[1]][8 + size :]
    config["files"] = {name: checkpoint._sha256(contents[name]) for name in names}
    contents["config.json"] = json.dumps(config).encode()
    return folder_of(folder / "rows", contents)


def test_a_class_of_ones_own_is_imported_only_where_that_is_asked_for(tmp_path, monkeypatch):
    """Whoever opens a folder from elsewhere may well stand in it, and the module lie there too."""
    path = put(tmp_path / "one", rows_model("tests.own_models:Bag", width=4))
    monkeypatch.delitem(sys.modules, "tests.own_models")
    assert "add --own-code to import that module, if you trust who wrote it" in refused(path)
    assert "tests.own_models" not in sys.modules
    found = open_checkpoint(path, own_code=True)
    assert found.model(TOKENS).shape == (2, 2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("baseline", {"pool": "max"}),
        ("full_attention", {"heads": 2, "head_width": 4, "positions": "sinusoidal"}),
        ("transformer", {"heads": 2, "head_width": 4, "positions": "learned", "dropout": 0.1}),
    ],
)
def test_a_model_of_rows_answers_as_it_did(tmp_path, name, options):
    trained = rows_model(name, **options)
    found = open_checkpoint(put(tmp_path / "one", trained))
    assert not found.model.training
    with torch.no_grad():
        assert torch.equal(found.model(TOKENS), trained.model(TOKENS))
    assert (found.settings, found.class_names, found.longest) == (
        trained.settings, ("positive", "negative"), 12,
    )  # fmt: skip
    assert (found.data, found.data_hash) == ("xor", trained.data_hash)
    assert found.encode("true false true").tokens == [4, 5, 4]
    assert len(found.encode("true " * 50).tokens) == 12


@pytest.mark.parametrize("alphabet", [Alphabet(tuple("abc é")), Alphabet.of_bytes()])
def test_a_model_of_text_answers_as_it_did(tmp_path, alphabet):
    trained = text_model(alphabet)
    found = open_checkpoint(put(tmp_path / "text", trained))
    assert (found.alphabet, found.reader, found.class_names) == (alphabet, None, ())
    with torch.no_grad():
        tokens = torch.tensor([[0, 1, 2]])
        assert torch.equal(found.model(tokens), trained.model(tokens))


def test_pairs_are_read_as_in_training(tmp_path):
    found = open_checkpoint(put(tmp_path / "one", rows_model(data="synth", bigrams=10)))
    assert "very great" in found.encode("this was very great").words


def test_beside_it_stand_how_good_it_is_and_where_it_comes_from(tmp_path):
    path = put(tmp_path / "rows", rows_model())
    assert json.loads((path / "metrics.json").read_text()) == METRICS
    assert json.loads((path / "provenance.json").read_text()) == PROVENANCE
    assert b"pickle" not in b"".join(files().values())


@settings(max_examples=80)
@given(st.data())
def test_changed_or_cut_anywhere_it_is_refused_or_the_same_model(data):
    name = data.draw(st.sampled_from(sorted(files())))
    content = bytearray(files()[name])
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    path = folder_of(Path(mkdtemp()) / "rows", {**files(), name: bytes(content)})
    try:
        found = open_checkpoint(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        return
    same = open_checkpoint(folder_of(path.with_name("same"), files()))
    with torch.no_grad():
        assert torch.equal(found.model(TOKENS), same.model(TOKENS))
    assert (found.class_names, found.reader) == (same.class_names, same.reader)


@pytest.mark.parametrize("name", ["config.json", "vocabulary.json", "model.safetensors"])
def test_a_file_that_is_missing_is_named(tmp_path, name):
    path = put(tmp_path / "rows", rows_model())
    (path / name).unlink()
    assert refused(path) == f"{path}: {name} is missing"


def test_what_is_no_folder_of_a_model(tmp_path):
    assert "no such folder" in refused(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    assert "is no folder" in refused(tmp_path / "file")
    assert "config.json is missing" in refused(tmp_path)


def test_what_has_changed_is_told(tmp_path):
    path = put(tmp_path / "rows", rows_model())
    vocabulary = path / "vocabulary.json"
    vocabulary.write_text(vocabulary.read_text().replace("true", "right"))
    assert "vocabulary.json is not the one the model was trained with" in refused(path)
    folder_of(path, files())
    config = path / "config.json"
    config.write_text(config.read_text().replace('"positive"', '"great"'))
    assert "config.json is not what was written" in refused(path)
    config.write_text(config.read_text().replace('"format": 1', '"format": 2'))
    assert "of format 2; this a3b-tune reads format 1" in refused(path)
    folder_of(path, {**files(), "model.safetensors": files()["model.safetensors"][:-5]})
    assert "model.safetensors is cut short" in refused(path)


SIZES = {"vocabulary": 6, "classes": 2, "max_length": 12}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": {"name": "baseline", "width": 10**9}}, "do not belong to its weights"),
        ({"model": {"name": "baseline", "width": 5}}, r"is \[2, 4\], not \[2, 5\]"),
        ({"model": {"name": "baseline", "widht": 4}}, "did you mean 'width'"),
        ({"model": {"name": "bseline"}}, "did you mean 'baseline'"),
        ({"model": {"name": "causal_transformer"}}, "does not read what vocabulary.json holds"),
        (
            {"model": {"name": "no.such.module:Class"}},
            "class of its own, .no.such.module:Class.; add --own-code",
        ),
        ({"model": {}}, "config.json is damaged"),
        ({"model": 3}, "config.json is damaged"),
        ({"sizes": {**SIZES, "max_length": 10**12}}, "config.json is damaged"),
        ({"sizes": {**SIZES, "vocabulary": 10**9}}, "do not belong together"),
        ({"sizes": {**SIZES, "classes": 10**9}}, "do not belong together"),
        ({"class_names": []}, "config.json is damaged"),
        ({"configuration": {"dim": 10**12}}, "do not belong to its weights"),
        ({"data": None}, "config.json is damaged"),
    ],
)
def test_a_hostile_description_allocates_nothing(tmp_path, changes, told):
    assert search(told, refused(rewritten(tmp_path, **changes)))


def test_a_description_that_says_the_same_is_accepted(tmp_path):
    assert open_checkpoint(rewritten(tmp_path)).longest == 12
