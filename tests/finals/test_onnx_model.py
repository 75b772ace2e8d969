"""An exported model answers as PyTorch does, whatever the shape of the batch."""

import sys

import pytest
import torch
from torch import nn

from a3b_tune.errors import InputError
from a3b_tune.finals import onnx_model
from a3b_tune.finals.checkpoint import open_checkpoint
from a3b_tune.models import causal_op
from tests.finals import checkpoints
from tests.models import examples

onnx = pytest.importorskip("onnx", reason="the onnx extra is not installed")
pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")


def exported(folder):
    return onnx_model.export(open_checkpoint(folder))


def variants():
    """Every model with every pool and every kind of positions, if not with all pairs of these."""
    return [
        own
        for own in examples.variants()
        if own[1].get("positions", "learned") == "learned" or own[1].get("pool") == "select"
    ]


@pytest.mark.parametrize("variant", variants(), ids=examples.label)
def test_every_model_of_rows_is_exported_and_answers_alike(variant, tmp_path):
    name, settings = variant
    made = exported(checkpoints.rows(tmp_path / "made", name, **settings))
    assert made.difference <= 1e-6
    assert (made.opset, made.longest) == (18, 40)


@pytest.fixture
def no_kernel(monkeypatch):
    """As on a machine without a compiler: compiling would take longer than all the rest."""
    monkeypatch.setattr(causal_op, "library", lambda _: None)


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize("longest", [1, 140])
def test_a_model_of_text_is_exported_and_answers_alike(tmp_path, longest):
    made = exported(checkpoints.text(tmp_path / "made", longest))
    assert made.difference <= 1e-6
    assert made.longest == longest


def test_the_file_says_what_it_needs(tmp_path):
    folder = checkpoints.rows(tmp_path / "made", "transformer", heads=1, head_width=4)
    model = onnx.load_from_string(exported(folder).content)
    [tokens], [logits] = model.graph.input, model.graph.output
    assert [d.dim_param for d in tokens.type.tensor_type.shape.dim] == ["batch", "sequence"]
    assert (tokens.name, logits.name) == ("tokens", "logits")
    assert [entry.version for entry in model.opset_import if not entry.domain] == [18]
    facts = {entry.key: entry.value for entry in model.metadata_props}
    config = open_checkpoint(folder).config
    assert facts["class_names"] == '["negative", "positive"]'
    assert facts["vocabulary_sha256"] == config["files"]["vocabulary.json"]
    assert (facts["padding"], facts["longest"], facts["max_words"]) == ("0", "40", "20")


class Cheat(nn.Module):
    """Its answer hangs on a batch's shape in a way that no exporter writes down."""

    def forward(self, tokens):
        return torch.full((tokens.shape[0], 2), float(tokens.sum().item()))


def test_a_model_whose_file_answers_otherwise_leaves_none(tmp_path, monkeypatch):
    checkpoint = open_checkpoint(checkpoints.rows(tmp_path / "made", width=4))
    object.__setattr__(checkpoint, "model", Cheat())
    # The newer exporter refuses such a model, but takes its time.
    monkeypatch.setattr(onnx_model, "_captured", onnx_model._traced)
    with pytest.raises(onnx_model.DiffersError, match=r"differ from PyTorch's by \d"):
        onnx_model.export(checkpoint)


def test_what_the_first_exporter_cannot_do_the_second_does(tmp_path, monkeypatch):
    def cannot(*_):
        raise RuntimeError("not this one")

    tried = []
    traced = onnx_model._traced
    monkeypatch.setattr(onnx_model, "_traced", cannot)
    monkeypatch.setattr(onnx_model, "_captured", lambda *own: tried.append(1) or traced(*own))
    assert exported(checkpoints.rows(tmp_path / "made", width=4)).difference <= 1e-6
    assert tried == [1]


def test_without_the_packages_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'a3b-tune\[onnx\]'"):
        exported(checkpoints.rows(tmp_path / "made", width=4))
