import json

import pytest
from hypothesis import given

from a3b_tune.study.differences import differences
from a3b_tune.study.file import check
from a3b_tune.study.overriding import override
from tests.study.strategies import study_files

STORED = check(
    {
        "study": {"name": "a"},
        "data": {"name": "imdb"},
        "model": {"name": "full_attention", "heads": {"choices": [1, 2, 4]}},
    },
    "a.toml",
)


@pytest.mark.parametrize(
    ("assignment", "line"),
    [
        ("model.heads=4", "model.heads: stored 1|2|4, asked 4"),
        ("model.depth=1..3", "model.depth: stored nothing, asked 1..3"),
        ("study.seed=1", "study.seed: stored 0, asked 1"),
        ("data.rows=100", "data.rows: stored nothing, asked 100"),
        ("study.sampler=gp", "study.sampler: stored tpe(startup_trials=10), asked gp"),
        (
            "study.pruner.min_resource=2",
            "study.pruner: stored hyperband(min_resource=1, reduction_factor=3), "
            "asked hyperband(min_resource=2, reduction_factor=3)",
        ),
    ],
)
def test_what_differs_is_told_as_stored_and_asked(assignment, line):
    assert differences(STORED, override(STORED, [assignment])) == [line]


@pytest.mark.parametrize("assignment", ["study.trials=7", "study.timeout=1h", "study.question=so?"])
def test_budget_and_wording_may_differ(assignment):
    assert differences(STORED, override(STORED, [assignment])) == []


def test_a_value_of_another_type_is_another_value():
    one = override(STORED, ["model.bias=1"])
    assert differences(one, override(STORED, ["model.bias=true"])) == [
        "model.bias: stored 1, asked true"
    ]


@given(study_files, study_files)
def test_files_agree_exactly_when_their_identities_do(stored, asked):
    assert differences(stored, stored) == []
    told = differences(stored, asked)
    assert bool(told) == (canonical(stored) != canonical(asked))
    assert len(told) == len(differences(asked, stored))


def canonical(file):
    return json.dumps(file.identity(), sort_keys=True)
