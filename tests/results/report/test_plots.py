"""The same plot, drawn for a browser and for paper."""

import io
import json

import pytest

from a3b_tune.results.report.blocks import Plot, Series
from a3b_tune.results.report.style import GRAY, MARKS, looks
from tests.results.report import example
from tests.results.report.hostile import MARKUP

pytest.importorskip("matplotlib", reason="reports are an extra")
pytest.importorskip("plotly", reason="reports are an extra")

from a3b_tune.results.report import matplotlib_plots, plotly_plots

EXAMPLES = [example.history(60), example.curves(), *example.slices(), *example.intervals()]


@pytest.mark.parametrize("plot", EXAMPLES, ids=lambda plot: plot.title)
def test_plotly_knows_every_word_of_a_figure(plot):
    from plotly.graph_objects import Figure

    figure = plotly_plots.figure(plot)
    Figure({"data": figure["data"], "layout": figure["layout"]})
    json.dumps(figure, allow_nan=False)
    told = figure["layout"]
    assert {told["xaxis"]["title"]["text"], told["yaxis"]["title"]["text"]} == {
        plot.x_label,
        plot.y_label,
    }


def test_pruned_and_complete_differ_in_colour_and_in_shape():
    found = looks(example.history(60))[1:]
    assert len({look.color for look in found}) == len({look.mark for look in found}) == 3


def test_no_two_of_ten_lines_look_alike_and_none_is_gray():
    found = looks(Plot("", [Series(f"{at}", [1], [1.0]) for at in range(10)], "", "", "", ""))
    assert len({(look.color, look.dash) for look in found}) == 10
    assert not any(look.behind for look in found)
    assert looks(Plot("", [Series("", [1], [1.0], group=GRAY)], "", "", "", ""))[0].behind
    assert len(set(MARKS[:GRAY])) == GRAY


def test_names_of_many_letters_stand_below_each_other():
    figure = plotly_plots.figure(example.intervals()[0])
    assert figure["layout"]["yaxis"]["type"] == "category"
    assert figure["data"][0]["y"] == [*example.SETTINGS, "model.dropout"]
    assert figure["data"][0]["error_x"]["array"] == pytest.approx([0.2, 0.12, 0.04, 0.028, 0.012])


def test_a_series_is_in_the_legend_once():
    figure = plotly_plots.figure(example.curves())
    shown = [trace["name"] for trace in figure["data"] if trace["showlegend"]]
    assert len(shown) == len(set(shown)) == 11


def test_text_stays_text():
    text = MARKUP[1]
    hostile = Plot(text, [Series(text, [text], [1.0], "bar")], text, text, text, text)
    found = json.dumps(plotly_plots.figure(hostile))
    assert "<img" not in found
    assert "&lt;img" in found
    assert matplotlib_plots.svg(hostile).startswith(b"<?xml")


def test_a_picture_is_the_same_each_time_and_small():
    from PIL import Image

    plot = example.intervals()[2]
    assert matplotlib_plots.svg(plot) == matplotlib_plots.svg(plot)
    few = matplotlib_plots.png(plot, 60, 128)
    assert few == matplotlib_plots.png(plot, 60, 128)
    with Image.open(io.BytesIO(few)) as image:
        assert image.size == (384, 204)
    assert len(few) < 10_000


def test_odd_plots_are_drawn():
    empty = Plot("", [], "x", "y", "", "")
    names = Series("_hidden", ["a", "b"], [1.0, 2.0], "points")
    one = Series("$1 {x} 你", [1.0], [2.0], "interval", low=[1.0], high=[3.0])
    for plot in (empty, Plot("", [names, one], "", "", "", "", [("_level", 1.0)], log_y=True)):
        assert matplotlib_plots.png(plot, 40)
        assert plotly_plots.figure(plot)
