"""The command `export-onnx`."""

import json
import sys

import pytest

from a3b_tune.cli.app import run
from a3b_tune.finals import onnx_model
from tests.commands import answered, contents, refused
from tests.finals import checkpoints

pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoints.rows(tmp_path / "base", width=4)
    return tmp_path


def test_a_file_is_written_and_compared(capsys, here):
    lines = answered(capsys, "export-onnx", "base").splitlines()
    assert lines[0].startswith("base.onnx: opset 18, ")
    assert lines[1].startswith("largest difference from PyTorch ")
    assert (here / "base.onnx").is_file()
    assert "--force" in refused(capsys, "export-onnx", "base")
    told = json.loads(answered(capsys, "export-onnx", "base", "--force", "--json"))
    assert (told["file"], told["bytes"]) == ("base.onnx", (here / "base.onnx").stat().st_size)
    assert told["difference"] <= 1e-5


def test_a_model_that_answers_otherwise_is_an_error_and_leaves_no_file(capsys, here, monkeypatch):
    monkeypatch.setattr(onnx_model, "largest_difference", lambda *_: 1e-3)
    monkeypatch.setattr(onnx_model, "_captured", onnx_model._traced)
    before = contents(here)
    assert run(["export-onnx", "base"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("a3b-tune: base: no ONNX file can be made of this model: ")
    assert err.count("\n") == 1
    assert contents(here) == before


def test_mistakes_are_one_line_each(capsys, here, monkeypatch):
    assert "ends with .onnx" in refused(capsys, "export-onnx", "base", "--out", "x.bin")
    assert "no folder" in refused(capsys, "export-onnx", "base", "--out", "none/x.onnx")
    assert "none: no such folder" in refused(capsys, "export-onnx", "none")
    (here / "base" / "model.safetensors").write_bytes(b"")
    assert "cut short" in refused(capsys, "export-onnx", "base")
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert "pip install 'a3b-tune[onnx]'" in refused(capsys, "export-onnx", "base")
    assert [name for name in contents(here) if "/" not in name] == ["base"]
