"""What a checkpoint answers, against the model asked directly."""

import random

import pytest
import torch

from a3b_tune.errors import InputError
from a3b_tune.finals.answers import Answerer, batches
from a3b_tune.finals.checkpoint import open_checkpoint
from tests.finals import checkpoints
from tests.models import examples

TEXTS = ["This old MOVIE was not very grreat!", "", "bad", "a film, a film; a film 7", "xyz"]
WORDS = ["old", "movie", "not", "very", "bad", "unheard", "great"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    return open_checkpoint(checkpoints.rows(tmp_path_factory.mktemp("a") / "made", width=4))


def test_an_answer_is_the_models_on_the_text_alone(opened):
    for answer in Answerer(opened).answers(TEXTS):
        tokens = torch.tensor([opened.encode(answer.text).tokens])
        wanted = opened.model(tokens).double().softmax(1)[0].tolist()
        assert list(answer.probabilities.values()) == pytest.approx(wanted, abs=1e-6)
        assert answer.probabilities[answer.name] == max(answer.probabilities.values())


def test_words_pairs_and_what_is_unknown_are_told(opened):
    first, empty, _, _, last = Answerer(opened).answers(TEXTS)
    assert first.words == ["this", "old", "movie", "was", "not", "not very", "very", "grreat"]
    assert (first.read, first.unknown_words) == (7, ["grreat"])
    assert (empty.words, empty.read, empty.unknown_words) == ([], 0, [])
    assert last.unknown_words == ["xyz"]


def test_words_beyond_what_the_model_reads_are_counted(opened):
    answer = Answerer(opened).answers(["not very " * 15])[0]
    assert (answer.read, answer.left_out) == (20, 10)
    assert Answerer(opened).answers(["old " * 20])[0].left_out == 0


def test_answers_come_in_the_order_of_the_texts_whatever_their_lengths(opened):
    drawn = random.Random(0)
    texts = [" ".join(drawn.choices(WORDS, k=drawn.randrange(1, 20))) for _ in range(300)]
    answers = Answerer(opened).answers(texts)
    assert [own.text for own in answers] == texts
    alone = [Answerer(opened).answers([text])[0].name for text in texts[:20]]
    assert [own.name for own in answers[:20]] == alone


def test_batches_are_every_row_once_and_bounded():
    drawn = random.Random(0)
    lengths = [drawn.randrange(1, 600) for _ in range(500)]
    found = list(batches(lengths))
    assert sorted(place for own in found for place in own) == list(range(500))
    assert all(max(lengths[p] for p in own) * len(own) <= 2**14 for own in found)
    assert list(batches([2**20])) == [[0]]


@pytest.mark.parametrize(
    "variant", examples.variants()[:2] + examples.variants()[-2:], ids=examples.label
)
def test_reasons_are_of_the_words_and_the_same_in_a_batch(variant, tmp_path):
    name, settings = variant
    opened = open_checkpoint(checkpoints.rows(tmp_path / "made", name, **settings))
    answerer = Answerer(opened, explained=True)
    together = answerer.answers(TEXTS)
    for answer in together:
        alone = answerer.answers([answer.text])[0]
        assert alone.why.weights == pytest.approx(answer.why.weights, abs=1e-5)
        assert len(answer.why.weights) == max(1, len(answer.words))
        total = sum(answer.why.weights)
        if answer.why.kind == "attention":
            assert total == pytest.approx(1.0, abs=1e-5)
        else:
            chance = answer.probabilities[answer.name]
            odds = torch.tensor(chance / (1 - chance)).log().item()
            assert total + answer.why.rest == pytest.approx(odds, abs=1e-4)
            assert answer.why.against != answer.name


def test_a_model_of_text_is_pointed_to_sample(tmp_path):
    with pytest.raises(InputError, match="a3b-tune sample"):
        Answerer(open_checkpoint(checkpoints.text(tmp_path / "made")))


def test_a_model_that_cannot_be_explained_is_refused_before_any_answer(opened):
    silent = torch.nn.Sequential(opened.model.embedding, torch.nn.Flatten(), torch.nn.LazyLinear(2))
    object.__setattr__(opened, "model", silent)
    with pytest.raises(InputError, match="cannot be explained"):
        Answerer(opened, explained=True)
