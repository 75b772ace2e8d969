import pytest

from a3b_tune.errors import InputError
from a3b_tune.study.file import check
from a3b_tune.study.problems import unknown_key, unknown_section

RIGHT = {"study": {"name": "a"}, "data": {"name": "xor"}, "model": {"name": "baseline"}}


def problem(**sections):
    with pytest.raises(InputError) as error:
        check({**RIGHT, **sections}, "a.toml")
    return str(error.value)


@pytest.mark.parametrize(
    ("sections", "line"),
    [
        ({"training": {"epochs": 0}}, "training.epochs: must be at least 1, not 0"),
        ({"study": {}}, "study.name: missing"),
        ({"study": 3}, "study: must be a section, [study], not 3"),
        ({"model": [1]}, "model: must be a section, [model], not [1]"),
        ({"model": {}}, "model.name: missing: which model is trained?"),
        ({"model": {"name": 3}}, "model.name: must be a word, not 3"),
        (
            {"model": {"name": "a", "of heads": 3}},
            "model: a key is a word of letters, digits and _, not 'of heads'",
        ),
        (
            {"model": {"name": "a", "heads": [1, 2]}},
            "model.heads: a list is no setting; write { choices = [1, 2] }",
        ),
        ({"training": {"lr": 1e-3}}, "training: unknown key 'lr'; it belongs in [optimizer]"),
        (
            {"optimizer": {"lrr": 1e-3}},
            "optimizer: unknown key 'lrr'; did you mean 'lr'? "
            "(known: name, lr, weight_decay, momentum, beta1, beta2)",
        ),
        ({"epochs": 3}, "unknown section 'epochs'; did you mean 'training.epochs'?"),
        (
            {"optimiser": {}},
            "unknown section 'optimiser'; did you mean 'optimizer'? "
            "(known: study, data, model, optimizer, training, samples, slurm)",
        ),
        (
            {"study": {"name": "a", "pruner": {"name": "asha", "min_resource": 0}}},
            "study.pruner.min_resource: must be at least 1, not 0",
        ),
    ],
)
def test_a_mistake_is_one_line_with_file_key_and_value(sections, line):
    assert problem(**sections) == f"a.toml: {line}"


def test_a_missing_section_is_named():
    with pytest.raises(InputError, match=r"^a.toml: the section \[data\] is missing$"):
        check({"study": {"name": "a"}, "model": {"name": "a"}}, "a.toml")


def test_a_misspelt_section_is_told_before_the_one_that_is_missing_for_it():
    with pytest.raises(InputError, match="unknown section 'dta'; did you mean 'data'"):
        check({"study": {"name": "a"}, "dta": {"name": "xor"}, "model": {"name": "a"}}, "a.toml")


def test_further_mistakes_are_counted():
    assert problem(training={"epochs": 0, "clip": 0}).endswith("not 0 (and 1 more)")
    assert "more)" not in problem(data={"name": "imd"})


def test_the_nearest_names_come_from_the_whole_file():
    assert unknown_key("study", "epochs").endswith("it belongs in [training]")
    assert unknown_section("batchsize").endswith("did you mean 'training.batch_size'?")
