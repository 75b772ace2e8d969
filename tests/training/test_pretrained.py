"""A pre-trained model through the plain learner, as any other: the real one, tiny."""

import json
import shutil
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from torch.nn.functional import cross_entropy

from a3b_tune.data.load import load
from a3b_tune.errors import InputError
from a3b_tune.study import loads
from a3b_tune.training import PlainLearner, Prepared, Recipe
from a3b_tune.training.checks import check_model, own_sources
from a3b_tune.training.pretrained import checkpoints, make_ready, wordpieces_of
from a3b_tune.training.snapshot import BadSnapshot
from a3b_tune.training.stackable import stacks
from tests.pretrained import LONGEST, tiny_distilbert
from tests.training.conftest import recipe

STUDY = """
[study]
name = "mine"
[data]
name = "imdb"
[model]
name = {{ choices = ["distilbert", "baseline"] }}
checkpoint = "{}"
freeze = {{ choices = [true, false] }}
[optimizer]
lr = {{ low = 1e-5, high = 1e-4, log = true }}
[training]
epochs = 1
"""


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    whole = load("synth").sample(200, 0)
    validation = whole.validation.take(torch.arange(0, len(whole.validation), 250))
    return Prepared(replace(whole, validation=validation), torch.device("cpu"))


@pytest.fixture(scope="module")
def folder(prepared, tmp_path_factory):
    return tiny_distilbert(tmp_path_factory.mktemp("tiny"), prepared.dataset.vocabulary.i2w)


@pytest.fixture
def wanted(folder):
    def made(seed: int = 1, **settings) -> Recipe:
        return recipe(
            seed,
            **{
                "model__name": "distilbert", "model__checkpoint": str(folder),
                "optimizer__name": "adamw", "optimizer__lr": 1e-3, "optimizer__weight_decay": 0.01,
                "training__epochs": 3, "training__batch_size": 32, "training__clip": 1.0,
                "training__warmup": 0.1, "training__schedule": "linear", **settings,
            },
        )  # fmt: skip

    return made


def curve(epochs) -> list[tuple]:
    return [(e.epoch, e.loss, e.value, e.gradient_norm, e.scores) for e in epochs]


@pytest.mark.parametrize("freeze", [True, False])
def test_it_goes_on_from_a_snapshot_bit_for_bit(prepared, wanted, freeze):
    unbroken = PlainLearner(wanted(model__freeze=freeze), prepared)
    first = unbroken.epoch()
    saved = unbroken.save()
    whole = [first, *unbroken.epochs()]
    resumed = PlainLearner(wanted(model__freeze=freeze), prepared, saved=saved)
    assert curve(resumed.epochs()) == curve(whole)[1:]
    assert len({epoch.loss for epoch in whole}) == 3
    one, other = (safetensors.torch.load(learner.save()) for learner in (unbroken, resumed))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_frozen_body_stays_as_it_was_and_out_of_the_snapshot(prepared, wanted, folder):
    learner = PlainLearner(wanted(model__freeze=True), prepared)
    learner.epoch()
    stored = safetensors.torch.load_file(folder / "model.safetensors")
    assert all(torch.equal(stored[k], v) for k, v in learner.model.body.state_dict().items())
    kept = safetensors.torch.load(learner.save())
    assert {name for name in kept if name.startswith("weights.")} == {
        "weights.classify.weight",
        "weights.classify.bias",
    }
    assert len(learner.save()) < 10_000


def test_it_never_goes_on_upon_another_body(prepared, wanted, tmp_path):
    learner = PlainLearner(wanted(model__freeze=True), prepared)
    learner.epoch()
    saved = learner.save()
    other = tiny_distilbert(tmp_path / "other", prepared.dataset.vocabulary.i2w, seed=1)
    with pytest.raises(BadSnapshot, match="a model whose frozen weights are others"):
        PlainLearner(
            wanted(model__freeze=True, model__checkpoint=str(other)), prepared, saved=saved
        )
    with pytest.raises(BadSnapshot, match="of another shape"):
        PlainLearner(wanted(), prepared, saved=saved)


def test_the_validation_loss_is_told_beside_the_accuracy(prepared, wanted):
    learner = PlainLearner(wanted(training__epochs=1), prepared)
    epoch = learner.epoch()
    learner.model.eval()
    pieces = prepared.reader(wanted())
    rows = pieces.rows(prepared.dataset.validation, prepared.dataset.vocabulary)
    x, y = rows.to_lists()
    with torch.inference_mode():
        alone = [learner.model(torch.tensor([row])) for row in x]
    loss = cross_entropy(torch.cat(alone), torch.tensor(y))
    assert epoch.scores == {"validation_loss": pytest.approx(float(loss), rel=1e-5)}


def test_words_and_wordpieces_of_one_length_are_two_parts(prepared, wanted):
    words, pieces = (
        prepared.part(recipe(data__max_length=5)),
        prepared.part(wanted(data__max_length=5)),
    )
    assert prepared.part(wanted(2, data__max_length=5)) is pieces
    assert words.longest == pieces.longest == 5
    assert words.vocabulary == len(prepared.dataset.vocabulary.i2w) != pieces.vocabulary
    last = pieces.train.tokens[pieces.train.starts + pieces.train.lengths - 1]
    assert set(last.tolist()) == {prepared.reader(wanted()).last}
    assert prepared.part(wanted()).longest <= LONGEST


def test_it_is_never_stacked():
    assert not stacks("distilbert")
    assert stacks("baseline")


def test_all_that_a_study_may_ask_for_is_looked_at_before_it_begins(folder, tmp_path):
    file = loads(STUDY.format(folder), "mine.toml")
    check_model(file, "mine.toml")
    assert list(checkpoints(file)) == [str(folder)]
    with pytest.raises(InputError) as error:
        make_ready(file)
    line = f"data.max_length: 256 is not between 3 and {LONGEST}, the tokens that '{folder}' reads"
    assert str(error.value) == line
    data = file.data.model_copy(update={"max_length": LONGEST})
    make_ready(file.model_copy(update={"data": data}))
    absent = loads(STUDY.format(tmp_path / "absent"), "mine.toml")
    with pytest.raises(InputError, match="no such folder"):
        make_ready(absent)
    make_ready(absent.model_copy(update={"model": {"name": "baseline"}}))
    (sources,) = own_sources(file)["model_sources"].items()
    assert sources[0] == str(folder)
    assert len(sources[1]) == 64


def test_a_tokenizer_that_does_not_belong_to_its_weights_is_one_line(prepared, tmp_path):
    own = tiny_distilbert(tmp_path / "own", prepared.dataset.vocabulary.i2w)
    config = json.loads((own / "config.json").read_text())
    (own / "config.json").write_text(json.dumps(config | {"vocab_size": 30}))
    file = loads(STUDY.format(own), "mine.toml")
    with pytest.raises(InputError, match=r"knows 30 tokens, but its tokenizer\.json has"):
        make_ready(file)
    damaged = shutil.copytree(own, tmp_path / "damaged")
    (damaged / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"its tokenizer\.json is damaged"):
        Prepared(prepared.dataset, torch.device("cpu")).cut(9, str(damaged))


def test_the_same_name_in_another_folder_is_another_model(tmp_path, monkeypatch):
    """A relative path says something else wherever it is read."""
    lengths = []
    for place, letters in (("one", "ab"), ("two", "abcdefgh")):
        folder = tmp_path / place
        folder.mkdir()
        tiny_distilbert(folder / "tiny", [f"word{letter}" for letter in letters])
        monkeypatch.chdir(folder)
        lengths.append(len(wordpieces_of("tiny")))
    assert lengths[0] < lengths[1]
