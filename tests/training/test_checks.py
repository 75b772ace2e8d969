import pytest

from a3b_tune.errors import InputError
from a3b_tune.study import loads
from a3b_tune.training.checks import check_model, drop_foreign_settings


def study(model):
    return loads(f"[study]\nname = 's'\n[data]\nname = 'xor'\n[model]\n{model}", "s.toml")


GOOD = [
    'name = "baseline"\npool = { choices = ["mean", "max", "select"] }',
    'name = "full_attention"\nheads = { choices = [1, 2, 4] }\nhead_width = { low = 4, high = 64 }',
    'name = "full_attention"\nwidth = 24\nheads = { choices = [1, 2, 3] }',
    'name = "transformer"\ndepth = { low = 1, high = 3 }\ndropout = { low = 0.0, high = 0.5 }',
    'name = { choices = ["baseline", "full_attention"] }\nheads = { choices = [1, 2] }',
]
BAD = [
    ('name = "bert"', r"unknown model 'bert'"),
    ('name = "baselin"', r"did you mean 'baseline'"),
    ('name = "baseline"\nheads = 2', r"model.heads: unknown setting of baseline 'heads'"),
    ('name = "full_attention"\nhaeds = 2', r"did you mean 'heads'"),
    ('name = "baseline"\npool = "middle"', r"model.pool: .*'middle'.*mean"),
    ('name = "baseline"\nwidth = "wide"', r"model.width: 'wide'"),
    ('name = "full_attention"\nwidth = 300\nheads = { choices = [4, 7] }', r"300 .* 7 heads"),
    ('name = "full_attention"\nheads = 0', r"heads"),
    ('name = "full_attention"\nwidth = 8\nhead_width = 4', r"model.head_width: has no effect"),
    ('name = "transformer"\ndropout = 1.5', r"1.5"),
    ('name = { choices = ["baseline", "nonsense"] }', r"unknown model 'nonsense'"),
]


@pytest.mark.parametrize("model", GOOD)
def test_a_file_whose_draws_all_fit_passes(model):
    assert check_model(study(model), "s.toml") is None


@pytest.mark.parametrize(("model", "told"), BAD)
def test_a_draw_that_cannot_be_is_refused_in_one_line(model, told):
    with pytest.raises(InputError, match=told) as error:
        check_model(study(model), "s.toml")
    assert str(error.value).startswith("s.toml: ")
    assert "\n" not in str(error.value)


def test_settings_of_another_model_are_dropped_and_named_but_unknown_ones_stay():
    file = study('name = "baseline"\nheads = 4\nhead_width = 8\nwidth = 32\nnonsense = 1')
    kept, dropped = drop_foreign_settings(file)
    assert sorted(dropped) == ["model.head_width", "model.heads"]
    assert kept.model == {"name": "baseline", "width": 32, "nonsense": 1}
