import pytest

from a3b_tune.errors import InputError
from a3b_tune.study import loads
from a3b_tune.training.checks import check_model, drop_foreign_settings


def study(model):
    return loads(f"[study]\nname = 's'\n[data]\nname = 'xor'\n[model]\n{model}", "s.toml")


def text_study(rest):
    return loads(f"[study]\nname = 's'\n[data]\nname = 'toy'\n{rest}", "t.toml")


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


TEXT = [
    ('[model]\nname = "baseline"', "'baseline' does not read a text, and data.name is 'toy'"),
    (
        '[model]\nname = { choices = ["causal_transformer", "transformer"] }',
        "'transformer' does not read a text.*: causal_transformer",
    ),
    ('[model]\nname = "causal_transformer"\npool = "max"', "'pool'"),
    ('[model]\nname = "causal_transformer"\nwidth = 8\nhead_width = 4', "model.head_width: has no"),
    ('[model]\nname = "causal_transformer"\nwidth = 30', "30 .* 4 heads"),
    (
        '[training]\nbatch_size = 30\naccumulate = 4\n[model]\nname = "causal_transformer"',
        "a batch of 30 cannot be cut into 4 parts .*batch_size = 32",
    ),
    (
        '[training]\nbatch_size = { low = 8, high = 20, step = 4 }\naccumulate = 8'
        '\n[model]\nname = "causal_transformer"',
        "a batch of 12 cannot",
    ),
    (
        '[optimizer]\nname = "sparse_adam"\n[model]\nname = "causal_transformer"',
        "'sparse_adam' is for rows",
    ),
]  # fmt: skip


@pytest.mark.parametrize("rest", [
    '[model]\nname = "causal_transformer"\ntied = { choices = [true, false] }',
    '[training]\nbatch_size = { choices = [16, 32] }\naccumulate = 4'
    '\n[model]\nname = "causal_transformer"',
])  # fmt: skip
def test_a_text_whose_draws_all_fit_passes(rest):
    assert check_model(text_study(rest), "t.toml") is None


@pytest.mark.parametrize(("rest", "told"), TEXT)
def test_what_does_not_go_with_a_text_is_refused_in_one_line(rest, told):
    with pytest.raises(InputError, match=told) as error:
        check_model(text_study(rest), "t.toml")
    assert str(error.value).startswith("t.toml: ")
    assert "\n" not in str(error.value)


def test_a_model_of_a_text_does_not_read_rows():
    with pytest.raises(InputError, match=r"'causal_transformer' does not read rows.*baseline, "):
        check_model(study('name = "causal_transformer"'), "s.toml")


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
