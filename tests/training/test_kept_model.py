"""Bytes from anywhere: a model is opened as it was packed, or they are refused in one line."""

import json
from functools import cache
from re import search

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a3b_tune.errors import InputError
from a3b_tune.training import PlainLearner, kept_model
from a3b_tune.training.kept_model import open_model
from tests.training.texts import chain, prepared, text_recipe


@cache
def learner() -> PlainLearner:
    made = PlainLearner(text_recipe(model__positions="sinusoidal"), prepared())
    made.epoch()
    return made


@cache
def packed() -> bytes:
    return learner().model_bytes()


def header_size() -> int:
    return 8 + int.from_bytes(packed()[:8], "little")


def with_about(**changes) -> bytes:
    """With another description, its checksum right."""
    header = json.loads(packed()[8 : header_size()])
    own = header["__metadata__"]
    own["about"] = json.dumps(json.loads(own["about"]) | changes)
    contents = {
        name: packed()[header_size() + entry["data_offsets"][0] :][
            : entry["data_offsets"][1] - entry["data_offsets"][0]
        ]
        for name, entry in header.items()
        if name != "__metadata__"
    }
    own["crc32"] = kept_model._checksum(own["about"], contents)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + packed()[header_size() :]


def refused(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        open_model(data)
    told = str(caught.value)
    assert told.startswith("model: ")
    assert told.isprintable()
    assert len(told) < 300
    return told


def test_it_is_the_model_that_was_packed():
    kept, own = open_model(packed()), learner().model.eval()
    tokens = torch.randint(4, (3, 12))
    with torch.no_grad():
        assert torch.equal(kept.model(tokens), own(tokens))
    assert not kept.model.training
    text = chain()
    assert (kept.alphabet, kept.longest, kept.data) == (text.alphabet, 12, "chain")
    assert kept.data_hash == text.data_hash
    assert kept.settings["heads"] == 2


def test_a_description_that_says_the_same_is_accepted():
    assert open_model(with_about()).longest == 12


def test_it_is_opened_from_a_file_which_errors_name(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(packed())
    assert open_model(path).data == "chain"
    path.write_bytes(packed()[:-1])
    with pytest.raises(InputError, match=f"^{path}: damaged, or cut short"):
        open_model(path)
    with pytest.raises(InputError, match="no such file"):
        open_model(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="is a directory"):
        open_model(tmp_path)


@given(st.data())
def test_cut_or_changed_anywhere_it_is_refused(data):
    place = data.draw(st.integers(0, len(packed()) - 1) | st.integers(0, header_size() - 1))
    refused(packed()[:place])
    hostile = bytearray(packed())
    hostile[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        kept = open_model(bytes(hostile))
    except InputError as error:
        assert str(error).isprintable()
    else:
        # A space or an escape in the header that means the same.
        assert bytes(hostile[header_size() :]) == packed()[header_size() :]
        assert kept.longest == 12


@given(st.binary(max_size=200))
def test_bytes_of_something_else_are_refused(data):
    refused(data)


def test_a_snapshot_is_no_model():
    assert "no model that was kept" in refused(learner().save())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"settings": {"name": "causal_transformer", "depth": 10**9}}, "description is damaged"),
        ({"settings": {"name": "causal_transformer", "width": 10**12}}, "description is damaged"),
        ({"settings": {"name": "causal_transformer", "heads": -1}}, "heads"),
        ({"settings": {"name": "causal_transformer", "haeds": 2}}, "did you mean 'heads'"),
        ({"settings": {"name": "causal_transformer", "dropout": "x"}}, "dropout: 'x' is not"),
        ({"settings": {"name": "baseline"}}, "'baseline' is no model"),
        ({"settings": {"name": "gpt"}}, "'gpt' is no model"),
        ({"settings": 3}, "description is damaged"),
        ({"longest": 2**40}, "description is damaged"),
        ({"longest": "long"}, "description is damaged"),
        ({"alphabet": {"unit": "character", "tokens": list("abc")}}, r"\[4\], not \[3\]"),
        ({"alphabet": {"unit": "byte"}}, r"not \[256"),
        ({"alphabet": {"unit": "word", "tokens": []}}, "description is damaged"),
        ({"alphabet": {"unit": "character", "tokens": [1, 2, 3, 4]}}, "description is damaged"),
    ],
)  # fmt: skip
def test_a_description_of_something_else_is_refused(changes, told):
    assert search(told, refused(with_about(**changes)))
