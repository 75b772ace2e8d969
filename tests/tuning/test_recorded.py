"""A trial's stored epochs as a text and as a picture."""

import io

import pytest

from a3b_tune.tuning.recorded import curves_png, samples_text

image = pytest.importorskip("matplotlib.image", reason="pictures are an extra")


def rows_epoch(number, accuracy=0.5):
    return {
        "epoch": number, "loss": 1.0 / number, "accuracy": accuracy, "gradient_norm": 0.5,
        "lr": 1e-3, "seconds": 2.0, "evaluation_seconds": 0.5,
    }  # fmt: skip


def text_epoch(number, bits=1.0, sample="the dog ran on . ", **more):
    record = {key: value for key, value in rows_epoch(number).items() if key != "accuracy"}
    looks = [[100 * (number - 1) + 10 * at, 1.0 / at, 0.5, 1e-3] for at in range(1, 11)]
    scores = {"bits": bits, "bits_all": bits + 0.1, "excess": bits - 0.5}
    return {**record, **scores, "looks": looks, "sample": sample, **more}


def size(png):
    height, width, _ = image.imread(io.BytesIO(png)).shape
    return width, height


def test_samples_stand_one_below_the_other_under_their_steps():
    told = [text_epoch(1, 1.5, "the dog xx"), text_epoch(2, 1.25, "the dog ran")]
    text = samples_text(told, "bits", 100, 8)
    first, second = text.index("step 100"), text.index("step 200")
    assert first < text.index("the dog xx\n") < second < text.index("the dog ran\n")
    assert "bits 1.5000, excess 1.0000" in text
    assert text.count("seed 'the dog '") == 2


def test_where_nothing_was_written_there_is_no_text():
    assert samples_text([text_epoch(1, sample=None)], "bits", 100, 8) == ""
    assert samples_text([rows_epoch(1)], "accuracy", 1, 8) == ""


def test_what_a_model_wrote_stands_there_letter_by_letter():
    sample = "the dog \n\tnow — “x” ] [ \\n"
    assert sample in samples_text([text_epoch(1, sample=sample)], "bits", 100, 4)


@pytest.mark.parametrize("epochs", [1, 7])
def test_rows_have_four_curves(epochs):
    measured = [rows_epoch(number, 0.5 + number / 20) for number in range(1, epochs + 1)]
    png = curves_png(measured, "accuracy", "x, trial $1_", best_epoch=1, line=("ceiling", 0.9))
    width, height = size(png)
    assert width > height > 500


def test_a_text_whose_best_is_known_has_a_fifth():
    measured = [text_epoch(number, 1.0 / number) for number in range(1, 4)]
    plain = [{k: v for k, v in epoch.items() if k != "excess"} for epoch in measured]
    how = {"every": 100, "best_epoch": 3, "line": ("floor", 0.3)}
    assert (
        size(curves_png(measured, "bits", "", **how))[1]
        > size(curves_png(plain, "bits", "", **how))[1]
    )


@pytest.mark.parametrize("number", [0.0, float("nan"), float("inf"), 1e30])
def test_any_curve_can_be_drawn(number):
    rows = [{**rows_epoch(1), "loss": number}]
    assert curves_png(rows, "accuracy", "").startswith(b"\x89PNG")
    text = [text_epoch(1, number)]
    assert curves_png(text, "bits", "", every=100, best_epoch=1).startswith(b"\x89PNG")
