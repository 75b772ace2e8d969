import pytest

from a3b_tune.study.catalogue import find
from a3b_tune.study.ceiling import KINDS, WHY, ceiling_kind, study_ceiling_kind
from a3b_tune.study.file import check, load
from a3b_tune.study.overriding import override

TABLE = [
    # model, pool, positions, heads, synth, xor
    ("baseline", "mean", "none", None, "three_of_four", "three_of_four"),
    ("baseline", "max", "none", None, "all", "all"),
    ("baseline", "select", "none", None, "constant", "constant"),
    ("simple_attention", "select", "none", None, "three_of_four", "three_of_four"),
    ("simple_attention", "select", "learned", None, "three_of_four", "all"),
    ("full_attention", "select", "none", 1, "three_of_four", "three_of_four"),
    ("full_attention", "select", "none", 2, "all", "all"),
    ("full_attention", "select", "none", 4, "all", "all"),
]


@pytest.mark.parametrize(("model", "pool", "positions", "heads", "synth", "xor"), TABLE)
def test_the_table_of_theory(model, pool, positions, heads, synth, xor):
    assert ceiling_kind("synth", model, pool, positions, heads) == synth
    assert ceiling_kind("xor", model, pool, positions, heads) == xor


@pytest.mark.parametrize(
    ("data", "model", "pool", "positions", "heads", "depth"),
    [
        ("imdb", "baseline", "mean", "none", None, None),
        ("table", "baseline", "select", "none", None, None),
        ("xor", "transformer", "select", "learned", 2, 1),
        ("xor", "full_attention", "select", "none", 2, 3),
        ("xor", "full_attention", "max", "none", 2, None),
        ("xor", "simple_attention", "mean", "none", None, None),
        ("xor", "simple_attention", "select", None, None, None),
        ("synth", "full_attention", "select", "none", None, None),
        ("synth", "baseline", None, "none", None, None),
        ("synth", "somebody.else:Model", "select", "none", 2, None),
    ],
)
def test_theory_is_silent_elsewhere(data, model, pool, positions, heads, depth):
    assert ceiling_kind(data, model, pool, positions, heads, depth) is None


def test_every_kind_has_one_sentence_of_reason():
    assert set(WHY) == set(KINDS)
    assert all(len(why) > 40 and "\n" not in why for why in WHY.values())


def study(data="xor", **model):
    return check({"study": {"name": "a"}, "data": {"name": data}, "model": model}, "a.toml")


FULL = {"name": "full_attention", "pool": "select", "positions": "none"}


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ({"name": "baseline", "pool": "mean"}, "three_of_four"),
        ({"name": "baseline", "pool": {"choices": ["select", "mean"]}}, "three_of_four"),
        ({"name": "baseline", "pool": {"choices": ["select", "mean", "max"]}}, "all"),
        ({"name": "baseline"}, None),
        ({**FULL, "heads": 1}, "three_of_four"),
        ({**FULL, "heads": {"low": 1, "high": 4}}, "all"),
        ({**FULL, "heads": {"choices": [1, 2]}}, "all"),
        ({**FULL, "heads": 1, "pool": {"choices": ["select", "max"]}}, None),
        ({**FULL, "heads": 2, "pool": {"choices": ["select", "max"]}}, "all"),
        ({**FULL, "heads": 2, "name": {"choices": ["full_attention", "transformer"]}}, "all"),
    ],
)
def test_a_study_has_the_ceiling_of_its_best_draw_where_that_is_known(model, kind):
    assert study_ceiling_kind(study(**model)) == kind


def test_what_a_file_leaves_out_is_taken_from_the_defaults():
    defaults = {"baseline": {"pool": "mean", "width": 64}}
    assert study_ceiling_kind(study(name="baseline"), defaults) == "three_of_four"
    assert study_ceiling_kind(study(name="baseline", pool="max"), defaults) == "all"


@pytest.mark.parametrize(
    "assignment", ["data.vocabulary=10", "data.max_length=1", "data.max_length=1|2"]
)
def test_theory_is_silent_about_rows_that_are_not_whole(assignment):
    file = study(name="baseline", pool="mean")
    assert study_ceiling_kind(override(file, [assignment])) is None
    assert study_ceiling_kind(override(file, ["data.max_length=2"])) == "three_of_four"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("xor", "all"),
        ("synth", "all"),
        ("full_attention_synth", "all"),
        ("simple_attention_synth", "three_of_four"),
        ("simple_attention_xor", "three_of_four"),
        ("positions_xor", "all"),
        ("baseline_synth", "all"),
        ("imdb", None),
    ],
)
def test_the_ceilings_of_the_shipped_studies(name, kind):
    assert study_ceiling_kind(load(find(name))) == kind
