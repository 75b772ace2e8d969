"""The real model, tiny: what training, answering and keeping it rest on."""

import json

import pytest
import safetensors.torch
import torch
from torch.nn.functional import cross_entropy

from a3b_tune.errors import InputError
from a3b_tune.models import build
from a3b_tune.models.distilbert import DistilBert
from a3b_tune.models.noise import keys
from tests.models.examples import tokens
from tests.pretrained import LONGEST, SIZES, tiny_distilbert

WORDS = ("great", "movie", "terrible", "becomes")
VOCABULARY = 20  # of the tokens that are read here; the tokenizer has more


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_distilbert(tmp_path_factory.mktemp("tiny"), WORDS)


def model(folder, *, seed: int = 0, max_length: int = 12, **settings) -> DistilBert:
    torch.manual_seed(seed)
    made = build(
        "distilbert", vocabulary=VOCABULARY, classes=3, max_length=max_length,
        checkpoint=str(folder), **settings,
    )  # fmt: skip
    assert isinstance(made, DistilBert)
    return made


def test_it_gives_logits_and_padding_never_leaks(folder):
    made = model(folder).eval()
    assert made(tokens()).shape == (5, 3)
    bare = tokens(2, 5)
    padded = torch.nn.functional.pad(bare, (0, 4))
    torch.testing.assert_close(made(padded), made(bare), rtol=0, atol=1e-6)


def test_the_body_is_the_folders_and_the_head_the_seeds(folder):
    one, same, other = (model(folder, seed=seed) for seed in (1, 1, 2))
    stored = safetensors.torch.load_file(folder / "model.safetensors")
    for made in (one, same, other):
        assert all(torch.equal(stored[k], v) for k, v in made.body.state_dict().items())
    assert torch.equal(one.classify.weight, same.classify.weight)
    assert not torch.equal(one.classify.weight, other.classify.weight)


def test_frozen_only_the_linear_layer_is_trained_and_the_body_makes_no_noise(folder):
    made = model(folder, freeze=True, dropout=0.0).train()
    trained = [name for name, p in made.named_parameters() if p.requires_grad]
    assert trained == ["classify.weight", "classify.bias"]
    cross_entropy(made(tokens()), torch.arange(5) % 3).backward()
    assert made.classify.weight.grad is not None
    assert all(p.grad is None for p in made.body.parameters())
    assert torch.equal(made(tokens()), made.eval()(tokens()))


def test_noise_hangs_on_the_key_alone_and_leaves_pytorchs_generator_as_it_was(folder):
    made = model(folder, dropout=0.0).train()
    first, second = keys(torch.tensor([1, 2], dtype=torch.int32), torch.tensor(0))

    def at(key) -> torch.Tensor:
        made.noise.key = key
        return made(tokens())

    before = torch.get_rng_state()
    one, other, again = at(first), at(second), at(first)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("freeze", [True, False])
def test_it_is_built_again_from_its_configuration_without_its_folder(folder, freeze):
    made = model(folder, freeze=freeze, dropout=0.1).eval()
    told = json.loads(json.dumps(made.configuration()))
    with torch.device("meta"):
        empty = DistilBert.from_configuration(told, 3)
    assert all(p.is_meta for p in empty.parameters())
    shapes = {name: value.shape for name, value in empty.state_dict().items()}
    assert shapes == {name: value.shape for name, value in made.state_dict().items()}
    again = DistilBert.from_configuration(told, 3)
    again.load_state_dict(made.state_dict())
    assert torch.equal(again.eval()(tokens()), made(tokens()))
    assert again.configuration() == told
    with pytest.raises(ValueError, match="other keys"):
        DistilBert.from_configuration({**told, "body": {**told["body"], "extra": 1}}, 3)


def test_the_body_of_a_whole_model_is_taken_from_its_weights(folder, tmp_path):
    """Fetched weights are of a model for another task, its body under a name of its own."""
    stored = safetensors.torch.load_file(folder / "model.safetensors")
    whole = {f"distilbert.{name}": value for name, value in stored.items()}
    whole["vocab_projector.bias"] = torch.zeros(4)
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text((folder / name).read_text())
    safetensors.torch.save_file(whole, tmp_path / "model.safetensors", {"format": "pt"})
    assert torch.equal(model(tmp_path).eval()(tokens()), model(folder).eval()(tokens()))


def test_weights_that_are_cut_or_not_all_there_are_one_line(folder, tmp_path, capfd):
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text((folder / name).read_text())
    weights = tmp_path / "model.safetensors"
    stored = safetensors.torch.load_file(folder / "model.safetensors")
    stored.pop("transformer.layer.0.attention.q_lin.weight")
    safetensors.torch.save_file(stored, weights, {"format": "pt"})
    lines = [refusal(tmp_path)]
    weights.write_bytes((folder / "model.safetensors").read_bytes()[:500])
    lines.append(refusal(tmp_path))
    weights.write_bytes((folder / "model.safetensors").read_bytes())
    asked = json.loads((folder / "config.json").read_text()) | {"hidden_dim": 128}
    (tmp_path / "config.json").write_text(json.dumps(asked))
    lines.append(refusal(tmp_path))
    assert all(line.startswith(f"model.checkpoint: {tmp_path}: ") for line in lines)
    assert all("\n" not in line for line in lines)
    assert "has no 'transformer.layer.0.attention.q_lin.weight'" in lines[0]
    assert "cannot be loaded" in lines[1]
    assert capfd.readouterr() == ("", "")


def refusal(folder) -> str:
    with pytest.raises(InputError) as error:
        model(folder)
    return str(error.value)


def test_settings_are_checked_where_no_file_is_yet():
    with torch.device("meta"):
        build("distilbert", vocabulary=8, classes=8, max_length=8, checkpoint="no such model")
        with pytest.raises(InputError, match=r"dropout 1\.5 is not in"):
            build("distilbert", vocabulary=8, classes=8, max_length=8, dropout=1.5)


def test_it_reads_no_more_tokens_than_its_body(folder):
    assert SIZES["max_position_embeddings"] == LONGEST
    made = model(folder, max_length=LONGEST).eval()
    assert made(tokens(1, LONGEST)).isfinite().all()
    with pytest.raises(InputError, match=f"reads {LONGEST} tokens, not {LONGEST + 1}"):
        model(folder, max_length=LONGEST + 1)
