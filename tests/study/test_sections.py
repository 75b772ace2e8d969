import pytest
from pydantic import ValidationError

from a3b_tune.study.data_section import DataSection
from a3b_tune.study.kinds import SettingError
from a3b_tune.study.sections import (
    SECTIONS,
    OptimizerSection,
    SamplesSection,
    StudySection,
    TrainingSection,
    keys_of,
    kind_of,
    optional,
)
from a3b_tune.study.settings import Choices

FIELDS = [(name, key) for name, fields in SECTIONS.items() if fields for key in keys_of(name)]


@pytest.mark.parametrize(("section", "key"), FIELDS)
def test_every_key_says_what_it_is_and_what_it_holds(section, key):
    fields = SECTIONS[section]
    description = fields.model_fields[key].description
    assert description.endswith(".")
    assert kind_of(fields, key) or key in ("sampler", "pruner")


def test_an_empty_section_holds_the_documented_defaults():
    study, training = StudySection(name="a"), TrainingSection()
    assert (study.sampler.name, study.pruner.name) == ("tpe", "hyperband")
    assert (study.trials, study.timeout, study.seed, study.metric) == (100, None, 0, None)
    assert OptimizerSection().model_dump() == {
        "name": "adam", "lr": 1e-3, "weight_decay": 0.0, "momentum": 0.0, "beta1": 0.9,
        "beta2": 0.999,
    }  # fmt: skip
    assert (training.epochs, training.batch_size, training.batch_tokens) == (10, 32, None)


@pytest.mark.parametrize(
    ("name", "length"),
    [("xor", None), ("synth", None), ("imdb", 256), ("toy", 64), ("wp", 256)],
)
def test_long_rows_are_cut_where_nothing_else_is_asked(name, length):
    assert DataSection(name=name).max_length == length
    assert DataSection(name=name, max_length=9).max_length == 9


def test_a_text_validates_on_less_of_itself_than_a_table():
    assert DataSection(name="table", path="a.csv").split == 0.2
    assert DataSection(name="text", path="a.txt").split == 0.05


def test_a_token_budget_stands_instead_of_a_batch_size():
    assert TrainingSection(batch_tokens=4096).batch_size is None
    with pytest.raises(ValidationError, match="stands instead of batch_size"):
        TrainingSection(batch_tokens=4096, batch_size=32)


@pytest.mark.parametrize(
    ("section", "fields", "key", "clause"),
    [
        (DataSection, {"name": "table"}, "data.path", "missing"),
        (DataSection, {"name": "xor", "path": "a.csv"}, "data.path", "only table and text have it"),
        (DataSection, {"name": "imdb", "split": 0.2}, "data.split", "data.name is imdb"),
        (DataSection, {"name": "text"}, "data.path", "which file holds the text?"),
        (DataSection, {"name": "wp", "characters": 9}, "data.characters", "only toy has it"),
        (DataSection, {"name": "toy", "rows": 9}, "data.rows", "only xor, synth, imdb and table"),
        (DataSection, {"name": "toy", "tokens": "bytes"}, "data.tokens", "only text has it"),
        (DataSection, {"name": "text", "path": "a", "split": 0.5}, "data.split", "below 0.5"),
        (OptimizerSection, {"momentum": 0.9}, "optimizer.momentum", "only sgd has it"),
    ],
)
def test_keys_that_do_not_go_together_are_told_at_one_of_them(section, fields, key, clause):
    with pytest.raises(ValidationError) as error:
        section(**fields)
    cause = error.value.errors()[0]["ctx"]["error"]
    assert isinstance(cause, SettingError)
    assert cause.key == key
    assert clause in str(cause)


def test_momentum_may_be_given_where_sgd_is_one_of_the_choices():
    names = Choices(choices=("adam", "sgd"))
    assert OptimizerSection(name=names, momentum=0.9).momentum == 0.9


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        (StudySection, {"name": "a", "trials": 0}),
        (StudySection, {"name": "a", "trials": -5}),
        (StudySection, {"name": "a", "seed": 2**32}),
        (DataSection, {"name": "xor", "seed": -1}),
        (DataSection, {"name": "imdb", "max_length": 0}),
        (DataSection, {"name": "imdb", "rows": 0}),
        (DataSection, {"name": "table", "path": "a.csv", "split": 1.0}),
        (OptimizerSection, {"lr": 0.0}),
        (OptimizerSection, {"lr": {"low": 0.0, "high": 1.0}}),
        (OptimizerSection, {"weight_decay": {"choices": [0.1, -0.1]}}),
        (OptimizerSection, {"beta1": 1.0}),
        (TrainingSection, {"epochs": 0}),
        (TrainingSection, {"warmup": {"low": 0.0, "high": 1.0}}),
        (TrainingSection, {"clip": 0.0}),
        (TrainingSection, {"word_dropout": -0.1}),
        (TrainingSection, {"accumulate": 0}),
        (TrainingSection, {"evaluate_every": {"choices": [10, 20]}}),
        (TrainingSection, {"max_time": 0}),
        (SamplesSection, {"temperature": -0.1}),
        (SamplesSection, {"top_k": -1}),
        (SamplesSection, {"length": {"low": 1, "high": 9}}),
        (SamplesSection, {"seed_length": 0}),
    ],
)
def test_bounds_hold_for_each_end_and_each_choice(section, fields):
    with pytest.raises(ValidationError, match="must be"):
        section(**fields)


def test_the_keys_that_may_be_unset_are_the_ones_without_a_value_by_default():
    unset = {f"{name}.{key}" for name, key in FIELDS if optional(SECTIONS[name], key)}
    assert unset == {
        "study.question", "study.metric", "study.timeout", "study.budget", "data.path",
        "data.max_length", "data.vocabulary", "data.rows", "data.bigrams", "data.embeddings",
        "data.test_path",
        "training.batch_tokens", "training.batch_size", "training.clip", "training.max_time",
    }  # fmt: skip
    assert keys_of("model") == ["name"]
