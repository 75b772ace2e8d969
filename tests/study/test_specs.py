from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from a3b_tune.study.kinds import SettingError
from a3b_tune.study.sections import StudySection
from a3b_tune.study.specs import PRUNERS, SAMPLERS, SPECS, Percentile, Pruner, Sampler, Tpe


def section(**fields):
    return StudySection(name="study", **fields)


@pytest.mark.parametrize(("what", "name"), [(w, name) for w in SPECS for name in SPECS[w]])
def test_a_bare_name_is_the_name_with_its_default_options(what, name):
    bare = getattr(section(**{what: name}), what)
    assert bare == getattr(section(**{what: {"name": name, **bare.options}}), what)
    assert (bare.name, type(bare)) == (name, SPECS[what][name])


def test_every_class_has_a_name_and_every_name_a_class():
    assert set(SAMPLERS.values()) == set(get_args(Sampler))
    assert set(PRUNERS.values()) == set(get_args(Pruner))


def test_options_are_typed_and_defaults_filled_in():
    pruner = section(pruner={"name": "percentile", "percentile": 50}).pruner
    assert isinstance(pruner, Percentile)
    assert repr(pruner.percentile) == "50.0"
    assert pruner.options == {"percentile": 50.0, "startup_trials": 5, "warmup_epochs": 1}
    assert section(sampler=Tpe(startup_trials=3)).sampler == Tpe(startup_trials=3)


@pytest.mark.parametrize(
    ("what", "value", "clause"),
    [
        ("sampler", "tpee", "unknown sampler 'tpee'; did you mean 'tpe'?"),
        ("pruner", "hyper", "unknown pruner 'hyper'; did you mean 'hyperband'?"),
        ("pruner", 3, "unknown pruner '3'"),
        ("pruner", {"name": ["a"]}, "unknown pruner"),
        (
            "sampler",
            {"choices": ["gp"]},
            "must be one sampler (it is never searched), not { choices",
        ),
        ("sampler", {"nam": "tpe"}, 'has no name; write { name = "tpe", ... }'),
        ("sampler", {"name": "gp", "seed": 1}, "gp has no options, so no 'seed'"),
        (
            "pruner",
            {"name": "asha", "min_resouce": 1},
            "unknown option of asha 'min_resouce'; did you mean 'min_resource'?",
        ),
    ],
)
def test_a_wrong_name_or_option_is_told_with_the_nearest(what, value, clause):
    with pytest.raises(ValidationError) as error:
        section(**{what: value})
    assert clause in error.value.errors()[0]["msg"]


def test_a_wrong_option_is_told_at_its_own_key():
    with pytest.raises(ValidationError) as error:
        section(pruner={"name": "asha", "reduction_factor": 1})
    cause = error.value.errors()[0]["ctx"]["error"]
    assert isinstance(cause, SettingError)
    assert f"{cause.key}: {cause}" == "study.pruner.reduction_factor: must be at least 2, not 1"


def test_a_spec_survives_its_own_dump():
    for name in PRUNERS:
        spec = section(pruner=name).pruner
        assert TypeAdapter(type(spec)).validate_python(spec.model_dump()) == spec
