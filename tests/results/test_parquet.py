import io
import json
import sys
from dataclasses import replace

import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.export import export
from a3b_tune.results.overview import study_overview


@pytest.fixture(scope="module")
def overview(mixed):
    return study_overview(mixed)


def table(overview):
    parquet = pytest.importorskip("pyarrow.parquet")
    stream = io.BytesIO()
    export(overview, "parquet", stream)
    return parquet.read_table(io.BytesIO(stream.getvalue()))


def test_rows_read_back_with_their_types(overview):
    found = table(overview)
    types = {name: str(found.schema.field(name).type) for name in found.column_names}
    assert types["number"] == types["model.width"] == "int64"
    assert types["value"] == types["optimizer.lr"] == types["seconds.training"] == "double"
    assert types["started"] == "timestamp[us, tz=UTC]"
    for line, row in zip(found.to_pylist(), overview.trials, strict=True):
        assert (line["number"], line["state"], line["value"]) == (row.number, row.state, row.value)
        assert line["optimizer.lr"] == row.params["optimizer.lr"]
        assert line["started"] == row.started
        assert line["epochs"] == row.epochs


def test_the_facts_of_the_study_lie_beside_the_rows(overview):
    facts = json.loads(table(overview).schema.metadata[b"a3b-tune"])
    assert facts["name"] == "small"
    assert facts["searched"]["model.pool"] == "mean|max|select"


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, 2.5], "double", [1.0, 2.5]),
        ([1, "many"], "string", ["1", "many"]),
        ([True, False], "bool", [True, False]),
        ([None, 3], "int64", [None, 3]),
    ],
)
def test_a_setting_of_several_kinds_finds_one_type(overview, values, kind, read):
    trials = [
        replace(row, settings={} if value is None else {"model.x": value})
        for row, value in zip(overview.trials, values, strict=False)
    ]
    found = table(replace(overview, trials=trials))
    assert str(found.schema.field("model.x").type) == kind
    assert found.column("model.x").to_pylist() == read


def test_a_study_without_trials_is_an_empty_table(overview):
    assert table(replace(overview, trials=[])).num_rows == 0


def test_without_pyarrow_the_error_says_how_to_get_it(overview, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'a3b-tune\[parquet\]'"):
        export(overview, "parquet", tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []
