import json

import pytest
from hypothesis import given

from a3b_tune.errors import InputError
from a3b_tune.study import ACCURACY, BITS
from a3b_tune.study.differences import differences
from a3b_tune.study.file import StudyFile, check, loads
from a3b_tune.study.overriding import override
from tests.study.strategies import row_files, text_files

TOY = check(
    {"study": {"name": "t"}, "data": {"name": "toy"}, "model": {"name": "m"}},
    "toy.toml",
)
XOR = check(
    {"study": {"name": "x"}, "data": {"name": "xor"}, "model": {"name": "m"}},
    "xor.toml",
)


def test_the_data_decides_the_metric_and_the_keys():
    assert (TOY.metric, TOY.is_text, TOY.data.max_length) == (BITS, True, 64)
    assert (XOR.metric, XOR.is_text, XOR.data.max_length) == (ACCURACY, False, None)
    of_text = {
        "training.steps": 3000, "training.evaluate_every": 250, "training.accumulate": 1,
        "training.windows": 1000, "training.final_batches": 1000, "samples.length": 200,
        "samples.temperature": 1.0, "samples.top_k": 0, "samples.seed_length": 16,
    }  # fmt: skip
    assert TOY.settings() == {**TOY.settings(), **of_text}
    assert not of_text.keys() & XOR.settings().keys()
    only_rows = {"training.epochs", "training.word_dropout"}
    assert only_rows <= XOR.settings().keys()
    assert not only_rows & TOY.settings().keys()


@pytest.mark.parametrize(
    ("file", "assignment", "line"),
    [
        (TOY, "training.epochs=3", "training.epochs: only xor, synth, imdb and table have it"),
        (TOY, "training.batch_tokens=99", "training.batch_tokens: only xor, synth, imdb and"),
        (TOY, "training.word_dropout=0.1", "training.word_dropout: only xor, synth, imdb and"),
        (TOY, "data.vocabulary=9", "data.vocabulary: only xor, synth, imdb and table have it"),
        (TOY, "data.path=a.txt", "data.path: only table and text have it, and data.name is toy"),
        (TOY, "study.metric=accuracy", "study.metric: toy is text, which is measured in bits"),
        (TOY, "study.metric=bit", "study.metric: unknown metric 'bit'; did you mean 'bits'?"),
        (TOY, "samples.temperature=-1", "samples.temperature: must be at least 0, not -1"),
        (TOY, "samples.tempature=1", "samples: unknown key 'tempature'; did you mean 'temperat"),
        (TOY, "training.max_time=soon", "training.max_time: must be seconds, or a time like"),
        (XOR, "study.metric=bits", "study.metric: xor is rows, which is measured in accuracy"),
        (XOR, "training.steps=500", "training.steps: only toy, wp and text have it, and data."),
        (XOR, "training.max_time=30m", "training.max_time: only toy, wp and text have it, and"),
        (XOR, "samples.top_k=3", "samples.top_k: only toy, wp and text have it, and data.name"),
        (TOY, "data.name=txt", "data.name: unknown data set 'txt'; did you mean 'text'?"),
    ],
)
def test_what_the_data_does_not_have_is_refused_in_one_line(file, assignment, line):
    with pytest.raises(InputError) as error:
        override(file, [assignment])
    assert str(error.value).startswith(f"--set: {line}")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("steps", "right"),
    [
        ("400", "500"),
        ("100", "250"),
        ("250|600", "500"),
        ("300..1700", "250..1750:step=250"),
        ("250..1000", "250..1000:step=250"),
        ("250..260", "250..500:step=250"),
    ],
)
def test_steps_that_end_without_an_evaluation_are_answered_with_the_nearest(steps, right):
    with pytest.raises(InputError) as error:
        override(TOY, [f"training.steps={steps}"])
    told = str(error.value)
    assert "must be a multiple of training.evaluate_every (250)" in told
    assert told.endswith(f"did you mean {right}?")
    assert override(TOY, [f"training.steps={right}"]).rounds >= 1


def test_rounds_are_epochs_or_evaluations():
    assert (TOY.rounds, XOR.rounds) == (12, 10)
    assert override(TOY, ["training.steps=500|5000"]).rounds == 20
    assert override(TOY, ["training.steps=250..2500:step=250"]).rounds == 10
    assert override(XOR, ["training.epochs=3..9"]).rounds == 9
    assert override(XOR, ["training.epochs=4|30|8"]).rounds == 30


def test_a_pruner_may_not_begin_after_the_last_evaluation():
    with pytest.raises(InputError, match=r"at most the evaluations of a trial \(12\), not 13"):
        override(TOY, ["study.pruner.min_resource=13"])
    assert override(TOY, ["study.pruner.min_resource=12"]).rounds == 12


def test_how_samples_are_drawn_may_change_while_a_study_goes_on():
    other = override(TOY, ["samples.temperature=0", "samples.length=0"])
    assert differences(TOY, other) == []
    assert differences(TOY, override(TOY, ["training.steps=6000"])) == [
        "training.steps: stored 3000, asked 6000"
    ]


def test_other_data_brings_its_own_keys_and_takes_the_others_away():
    mine = override(TOY, ["data.name=text", "data.path=/a.txt", "data.tokens=bytes"])
    assert (mine.data.tokens, mine.data.split, mine.metric) == ("bytes", 0.05, BITS)
    assert "characters" not in mine.plain()["data"]
    again = override(override(XOR, ["data.name=toy"]), ["data.name=xor", "data.max_length=none"])
    assert again == XOR
    assert override(XOR, ["data.name=toy", "training.steps=500"]).rounds == 2


def test_a_file_stored_before_there_was_text_reads_as_before():
    old = {
        "study": {
            "name": "x", "metric": "accuracy", "sampler": {"name": "tpe", "startup_trials": 10},
            "pruner": {"name": "hyperband", "min_resource": 1, "reduction_factor": 3},
            "trials": 100, "seed": 0, "retries": 2, "heartbeat": 10.0, "checkpoint": 60.0,
        },
        "data": {"name": "xor", "seed": 0},
        "model": {"name": "m"},
        "optimizer": {
            "name": "adam", "lr": 0.001, "weight_decay": 0.0, "momentum": 0.0, "beta1": 0.9,
            "beta2": 0.999,
        },
        "training": {
            "epochs": 10, "batch_size": 32, "warmup": 0.0, "schedule": "constant",
            "label_smoothing": 0.0, "word_dropout": 0.0,
        },
    }  # fmt: skip
    assert StudyFile.from_json(json.dumps(old)) == XOR
    assert json.loads(XOR.to_json()) == old


@given(text_files)
def test_a_text_study_says_nothing_of_rows(file):
    assert file.metric == BITS
    assert file.rounds >= 1
    assert not {"epochs", "batch_tokens", "word_dropout"} & file.plain()["training"].keys()
    assert "samples" not in file.identity()


@given(row_files)
def test_a_study_of_rows_says_nothing_of_text(file):
    assert file.metric == ACCURACY
    assert not {"steps", "evaluate_every", "windows", "max_time"} & file.plain()["training"].keys()
    assert "samples" not in file.plain()


def test_a_text_is_looked_for_beside_its_file(tmp_path):
    from a3b_tune.study.file import load

    text = "[data]\nname='text'\npath='a.txt'\n[model]\nname='m'\n"
    (tmp_path / "mine.toml").write_text(text)
    assert load(tmp_path / "mine.toml").data.path == str(tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"data.path: missing: which file holds the text\?"):
        loads("[study]\nname='m'\n[data]\nname='text'\n[model]\nname='m'\n", "a.toml")
