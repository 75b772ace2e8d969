"""What is wrong with a person's own model is known before a study is created."""

import pytest

from a3b_tune.errors import InputError
from a3b_tune.study import loads
from a3b_tune.training.checks import (
    check_model,
    drop_foreign_settings,
    model_names,
    own_sources,
)

HERE = "tests.own_models"


def study(model: str, data: str = "xor", rest: str = ""):
    text = f"[study]\nname = 's'\n[data]\nname = '{data}'\n{rest}[model]\nname = {model}"
    return loads(text, "s.toml")


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("'gone:A'", "model.name: no module 'gone' in "),
        (
            f"'{HERE}:Bag'\nwidht = 3",
            "model.widht: unknown setting of tests.own_models:Bag 'widht'",
        ),
        (f"'{HERE}:Bag'\nwidth = 'a'", "model.width: 'a' is not int"),
        (
            f"'{HERE}:Bag'\nwidth = {{ low = 900, high = 1100 }}",
            f"model {HERE}:Bag: width 1100 is above 1000, drawn with model.width=1100",
        ),
        (f"'{HERE}:OfText'", f"model.name: '{HERE}:OfText' does not read rows"),
        (f"'{HERE}:Fails'", f"{HERE}:Fails: cannot be built: KeyError: 'no such thing' ("),
        (
            f"'{HERE}:Breaks'",
            f"{HERE}:Breaks: forward fails on tokens of shape [2, 5]: RuntimeError: ",
        ),
        (
            f"'{HERE}:TooDeep'",
            f"{HERE}:TooDeep: forward gives [2, 1, 3] for tokens [2, 5] and 3 classes, not [2, 3]: "
            "(B, classes)",
        ),
        (f"'{HERE}:Tuple'", f"{HERE}:Tuple: forward gives a tuple, not a tensor (B, classes)"),
        (f"'{HERE}:Whole'", f"{HERE}:Whole: forward gives int64, not floating-point logits"),
        (f"'{HERE}:Still'", f"{HERE}:Still: has no parameters to train"),
        (
            f"'{HERE}:Counts'",
            f"{HERE}:Counts: changes its buffer 'seen' in training, which no checkpoint holds",
        ),
        (
            f"{{ choices = ['baseline', '{HERE}:Tuple'] }}",
            f"{HERE}:Tuple: forward gives a tuple",
        ),
    ],
)
def test_it_is_one_line_with_the_files_name(model, line):
    with pytest.raises(InputError) as caught:
        check_model(study(model), "s.toml")
    assert str(caught.value).startswith(f"s.toml: {line}")
    assert "\n" not in str(caught.value)


def test_a_model_of_a_text_is_tried_on_one():
    check_model(study(f"'{HERE}:OfText'", "toy"), "s.toml")
    with pytest.raises(InputError, match=r"own_models:Bag' does not read a text"):
        check_model(study(f"'{HERE}:Bag'", "toy"), "s.toml")


def test_sparse_adam_needs_a_table_by_its_name():
    sparse = "[optimizer]\nname = 'sparse_adam'\n"
    check_model(study(f"'{HERE}:Bag'", rest=sparse), "s.toml")
    with pytest.raises(InputError, match=r"nn\.Embedding called 'embedding', and .*:Recurrent has"):
        check_model(study(f"'{HERE}:Recurrent'", rest=sparse), "s.toml")


def test_it_may_be_one_of_several_choices_and_is_in_the_record():
    file = study(f"{{ choices = ['baseline', '{HERE}:Bag'] }}\nwidth = 8\nway = 'sum'")
    check_model(file, "s.toml")
    assert model_names(file) == ["baseline", f"{HERE}:Bag"]
    assert len(own_sources(file)["model_sources"][f"{HERE}:Bag"]) == 64
    assert own_sources(study("'baseline'")) == {}


def test_settings_of_another_model_are_dropped_for_it_too():
    kept, dropped = drop_foreign_settings(study(f"'{HERE}:Bag'\nheads = 4\nwidth = 8"))
    assert dropped == ["model.heads"]
    assert kept.model == {"name": f"{HERE}:Bag", "width": 8}
