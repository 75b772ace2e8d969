"""From studies to sentences: what is told was measured, and what was not is said."""

import re

import pytest

from a3b_tune.data import toy
from a3b_tune.results.course import study_answers
from a3b_tune.results.course.document import answered, document
from a3b_tune.results.course.evidence import Evidence, groups
from a3b_tune.results.course.padding import sentences
from a3b_tune.results.overview import study_overview
from a3b_tune.results.report.blocks import Number
from a3b_tune.results.report.traced import Traced
from a3b_tune.tuning.asking import ask
from tests.results import building, test_text
from tests.results.report.tracing import SOURCE, Traces, numbers, texts

POOLS = {"mean": [0.6, 0.7], "max": [0.9, 1.0], "select": [0.5, 0.4]}
POSITIONS = {"none": [0.7, 0.75], "learned": [1.0]}
HEADS = {1: [0.7, 0.75], 2: [0.9, 1.0], 4: [1.0]}
TUNED = (3, 5, 7, 8, 9, 12, 13, 14)
WHY = "the IMDb reviews were not at hand"
SENTENCE = "the cat walked . a dog ran . the the . "
TRIALS = 8
MODEL = ("model.pool=select", "model.width=8")


def told(url, name, setting, outcomes, *changes, trials=TRIALS):
    """A study whose trials reach what their setting is given here."""
    stored = building.begun(url, f"study.name={name}", *changes)
    for _ in range(trials):
        trial = ask(stored, 100, building.ABOUT)
        value = trial.params.get(setting, next(iter(outcomes)))
        building.tell(trial, outcomes[value], "complete")
    return stored


def text(url):
    stored = test_text.begun(url, "training.warmup=0.0|0.5", "optimizer.lr=0.001|0.1")
    for bits in ([3.0, 2.0, 1.0], [3.0, 1.5, 0.9], *[[2.5, 2.0]] * 4):
        trial = ask(stored, 100, building.ABOUT)
        for number, value in enumerate(bits, 1):
            record = {**building.epoch(number, 0.0), "bits": value, "excess": value - 0.5}
            looks = [[number * 10, 1.0, 0.5, 0.1]]
            trial.report(value, {**record, "sample": f"t . {SENTENCE}", "looks": looks})
        building.tell(trial, [], "complete")
    return stored


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    url = building.url_in(tmp_path_factory.mktemp("course"))
    simple = ("model.name=simple_attention", *MODEL)
    full = ("model.name=full_attention", "model.pool=select", "model.heads=1|2|4")
    full += ("model.head_width=4", "model.width=none")
    pools = told(url, "baseline_xor", "model.pool", POOLS, trials=12)
    alone = told(url, "simple_attention_xor", "", {"": [0.7, 0.75]}, *simple, trials=2)
    heads = told(url, "full_attention_xor", "model.heads", HEADS, *full)
    places = ("model.positions=none|learned", *simple)
    letters = text(url)
    return {
        **dict.fromkeys(("baseline_xor", "baseline_synth"), pools),
        **dict.fromkeys(("simple_attention_xor", "simple_attention_synth"), alone),
        **dict.fromkeys(("full_attention_xor", "full_attention_synth"), heads),
        "positions_xor": told(url, "positions_xor", "model.positions", POSITIONS, *places),
        **dict.fromkeys(("toy", "warmup"), letters),
    }


@pytest.fixture(scope="module")
def evidence(studies):
    absent = dict.fromkeys(("baseline_imdb", "transformer_imdb"), WHY)
    known = {name: study_overview(stored) for name, stored in studies.items()}
    return Evidence(known, absent, sentences(), "sentences", {"toy": ["training.steps=30"]})


@pytest.fixture(scope="module")
def answers(evidence):
    return {each.question.number: each for each in answered(evidence, range(1, 15))}


def test_each_question_has_one_plain_sentence(answers):
    assert list(answers) == list(range(1, 15))
    for each in answers.values():
        assert re.fullmatch(r"[A-Z].+\.", each.sentence)
    assert [number for number in answers if not answers[number].answer.answered] == [9]


def test_pools_are_ranked_on_each_data_set_and_what_is_missing_is_said(answers):
    sentence = answers[3].sentence
    best = "max is best with 1.00000, before mean 0.70000 and select 0.50000"
    assert f"On xor {best}; on synth {best}; on IMDb there is no answer" in sentence
    assert WHY in sentence


def test_simple_full_and_positions_are_compared(answers):
    assert "simple self-attention reaches 0.75000 and the baseline with the same pool 0.50000" in (
        answers[5].sentence
    )
    assert re.search(r"reaches 1.00000 with [24] heads and 0.75000 with one", answers[7].sentence)
    assert answers[8].sentence.startswith("Yes: with a learned vector")
    assert WHY in answers[9].sentence


def test_bits_fall_and_samples_are_judged(answers):
    assert "The best trial needs 0.9000 bits" in answers[12].sentence
    assert "from 3.0000 to 0.9000" in answers[13].sentence
    assert "2 of 3 sentences" in answers[13].sentence
    assert "nats per character" in answers[14].sentence


def test_every_number_is_what_stands_where_it_is_said_to_stand(evidence, answers, studies):
    report = document(evidence, list(answers.values()), "quick", ["a3b-tune course"])
    traces = {stored.file.study.name: Traces(stored) for stored in studies.values()}
    kinds = {"theory": 0, "measured": 0, "worked out": 0, "counted": 0, "traced": 0}
    for number in numbers(report):
        if number.source.startswith("measured in this run: "):
            kinds["measured"] += 1
        elif number.source.startswith("theory, on"):
            kinds["theory"] += 1
            assert number.value in (
                1.0,
                pytest.approx(0.75, abs=0.01),
                pytest.approx(0.5, abs=0.01),
            )
        elif number.source.startswith("worked out"):
            kinds["worked out"] += 1
            assert number.value == (3 if number.source.endswith("sentences") else 2)
        elif number.source.endswith("counted"):
            kinds["counted"] += 1
            assert 0 < number.value <= 12
        else:
            kinds["traced"] += 1
            assert SOURCE.fullmatch(number.source), number
            name = re.search(r"(?:of|study) ([^:]+):", number.source).group(1)
            assert traces[name].value(number) == pytest.approx(number.value, abs=1e-9), number
    assert min(kinds.values()) > 0


def test_text_between_numbers_holds_no_digit(evidence, answers):
    report = document(evidence, list(answers.values()), "quick", [])
    plain = [part for part in texts(report) if not isinstance(part, Number)]
    titles = {f"{number}. {each.question.title}" for number, each in answers.items()}
    known = re.compile(r"float64|float32|int64|Assignment 3B|a3b-tune")
    digits = [
        part for part in plain if part not in titles and re.search(r"\d", known.sub("", part))
    ]
    assert digits == []


def test_groups_have_what_theory_allows_them(studies):
    found = {group.value: group for group in groups(_traced(studies, "baseline_xor"), "model.pool")}
    assert {name: group.standing for name, group in found.items()} == {
        "mean": "below", "max": "at", "select": "at",
    }  # fmt: skip
    assert sum(len(group.trials) for group in found.values()) == 12
    assert found["max"].ceiling.value == 1.0 > found["mean"].ceiling.value > 0.74


def _traced(studies, name):
    return Traced(study_overview(studies[name]))


def test_what_is_above_theory_calls_for_a_second_look(studies, evidence):
    lucky = {**evidence.studies}
    overview = study_overview(studies["baseline_xor"])
    for row in overview.trials:
        if row.settings["model.pool"] == "select":
            object.__setattr__(row, "value", 0.9)
    lucky["baseline_xor"] = overview
    answer = study_answers.pools(Evidence(lucky, {}, evidence.rows, ""))
    warned = [block for block in answer.measured if getattr(block, "kind", "") == "warning"]
    assert "select pool of baseline_xor" in warned[0].parts[0]


def test_without_studies_every_tuned_question_says_so(evidence):
    none = Evidence({}, {}, evidence.rows, "sentences")
    found = {each.question.number: each for each in answered(none, TUNED)}
    assert not any(each.answer.answered for each in found.values())
    assert all("no trial with a value" in each.sentence for each in found.values())


def test_a_sample_is_judged_without_what_the_seed_began():
    assert toy.predictor().judge(SENTENCE)[:2] == (3, 2)
