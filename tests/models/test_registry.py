"""Models by name: every mistake is one line that names the nearest right thing."""

import pytest
import torch

from a3b_tune.errors import InputError
from a3b_tune.models import (
    MODELS,
    ROW_MODELS,
    TEXT_MODELS,
    build,
    check_setting,
    reads_text,
    settings_of,
)
from tests.models.examples import STACKED_MODELS, label, model, tokens, variants

SIZES = {"vocabulary": 20, "classes": 3, "max_length": 12}


@pytest.mark.parametrize("variant", variants(), ids=label)
def test_every_model_gives_logits(variant):
    name, settings = variant
    logits = model(name, **settings)(tokens())
    assert logits.shape == (5, 3)
    assert logits.isfinite().all()


@pytest.mark.parametrize("variant", variants(), ids=label)
def test_padding_never_leaks(variant):
    name, settings = variant
    made = model(name, **settings)
    bare = tokens(1, 5)
    padded = torch.nn.functional.pad(bare, (0, 4))
    torch.testing.assert_close(made(padded), made(bare), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", (*STACKED_MODELS, *TEXT_MODELS))
def test_the_same_seed_builds_the_same_model(name):
    one, other = (model(name, seed=7).state_dict() for _ in range(2))
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("name", (*STACKED_MODELS, *TEXT_MODELS))
def test_a_state_dict_goes_round(name):
    one, other = model(name, seed=1), model(name, seed=2)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(tokens()), other(tokens()))


def test_settings_are_the_signature_without_what_the_data_decides():
    assert {name: list(settings_of(name)) for name in MODELS} == {
        "baseline": ["width", "pool", "embedding_std"],
        "simple_attention": ["width", "pool", "positions", "embedding_std"],
        "full_attention": [
            *("heads", "head_width", "width", "pool"),
            *("positions", "dropout", "embedding_std"),
        ],
        "transformer": [
            *("heads", "head_width", "width", "depth"),
            *("pool", "positions", "dropout", "norm", "embedding_std"),
        ],
        "encoder": [
            *("heads", "head_width", "width", "depth", "feed_forward"),
            *("dropout", "attention_dropout", "embedding_std"),
        ],
        "distilbert": ["checkpoint", "freeze", "dropout"],
        "causal_transformer": [
            *("heads", "head_width", "width", "depth"),
            *("positions", "dropout", "norm", "tied", "embedding_std"),
        ],
    }
    assert settings_of("full_attention")["head_width"].default == 16


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("bseline", {}, "unknown model 'bseline'; did you mean 'baseline'"),
        (
            "baseline",
            {"widht": 8},
            "unknown setting of model baseline 'widht'; did you mean 'width'",
        ),
        ("baseline", {"heads": 4}, "unknown setting of model baseline 'heads'"),
        ("baseline", {"pool": "men"}, "model.pool: unknown pool 'men'; did you mean 'mean'"),
        ("baseline", {"pool": True}, "model.pool: unknown pool 'True'"),
        ("baseline", {"width": "wide"}, "model.width: 'wide' is not int"),
        ("baseline", {"width": 8.5}, "model.width: 8.5 is not int"),
        ("baseline", {"width": True}, "model.width: True is not int"),
        ("baseline", {"width": 0}, "model baseline: width 0 is not at least 1"),
        ("simple_attention", {"width": -1}, "model simple_attention: width -1 is not at least 1"),
        ("full_attention", {"dropout": "much"}, "model.dropout: 'much' is not float"),
        ("full_attention", {"dropout": 1}, "model full_attention: dropout 1 is not in [0, 1)"),
        ("full_attention", {"heads": 7, "width": 300}, "width 300 does not divide into 7 heads"),
        ("transformer", {"norm": "prr"}, "model.norm: unknown norm 'prr'; did you mean 'pre'"),
        ("causal_transformer", {"tied": 1}, "model.tied: 1 is not bool"),
        ("distilbert", {"freeze": "yes"}, "model.freeze: 'yes' is not bool"),
        ("causal_transformer", {"tied": True}, "tied output of 3 classes over 20 words"),
        ("transformer", {"classes": 2}, "unknown setting of model transformer 'classes'"),
    ],
)
def test_a_mistake_is_one_line(name, settings, text):
    with pytest.raises(InputError) as caught:
        if "classes" in settings:
            check_setting(name, "classes", 2)
        build(name, **SIZES, **settings)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_can_be_checked_without_its_tensors():
    with torch.device("meta"):
        made = build("transformer", **SIZES, depth=2)
    assert all(parameter.is_meta for parameter in made.parameters())


def test_a_model_reads_rows_or_text():
    assert {*ROW_MODELS, *TEXT_MODELS} == set(MODELS)
    assert [name for name in MODELS if reads_text(name)] == list(TEXT_MODELS)


def test_a_whole_number_will_do_for_a_float():
    check_setting("transformer", "dropout", 0)
    assert build("transformer", **SIZES, dropout=0).training
