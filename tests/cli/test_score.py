"""How values and moments are told, of rows and of text."""

from a3b_tune.cli.score import Score, score_of
from a3b_tune.study import ACCURACY, BITS, load
from a3b_tune.study.catalogue import find


def test_rows_have_accuracies_by_epoch():
    score = score_of(load(find("xor")), 25_000)
    assert score.metric == ACCURACY
    assert score.value(0.75) == "0.75000"
    assert score.value(0.75, short=True) == "0.75"
    assert (score.unit, score.moment(6), score.at(6)) == ("epoch", 6, "epoch 6")


def test_a_text_has_bits_by_step():
    score = score_of(load(find("toy")), 20_000)
    assert score.metric == BITS
    assert score.value(0.56) == score.value(0.56, short=True) == "0.5600"
    assert (score.unit, score.moment(6), score.at(6)) == ("step", 1500, "step 1500")


def test_bits_are_never_taken_for_an_accuracy_near_one():
    assert Score(BITS).value(0.99999999) == "1.0000"


def test_what_is_not_there_is_a_dash():
    for score in (Score(), Score(BITS, every=10)):
        assert score.value(None) == "-"
        assert score.at(None).endswith(" -")
