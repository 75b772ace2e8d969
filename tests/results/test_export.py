import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.export import chosen_format, export
from a3b_tune.results.overview import study_overview


@pytest.fixture(scope="module")
def overview(mixed):
    return study_overview(mixed)


def written(overview, format) -> bytes:
    stream = io.BytesIO()
    export(overview, format, stream)
    return stream.getvalue()


def read_csv(overview) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(overview, "csv").decode(), newline="")))


def test_csv_has_a_line_per_trial_and_reads_back_exactly(overview):
    lines = read_csv(overview)
    assert len(lines) == len(overview.trials)
    for line, row in zip(lines, overview.trials, strict=True):
        assert int(line["number"]) == row.number
        assert line["state"] == row.state
        assert line["reason"] == (row.reason or "")
        assert line["stack"] == str(row.stack)
        assert (float(line["value"]) if line["value"] else None) == row.value
        assert float(line["optimizer.lr"]) == row.params["optimizer.lr"]
        assert line["model.pool"] == row.params["model.pool"]
        curve = [float(value) for value in line["accuracies"].split()]
        assert curve == [epoch["accuracy"] for epoch in row.epochs]
        for part, spent in row.seconds.items():
            assert float(line[f"seconds.{part}"]) == spent


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_spreadsheet_never_takes_text_for_a_formula(overview, text):
    row = replace(overview.trials[0], reason=text)
    (line,) = read_csv(replace(overview, trials=[row]))
    assert line["reason"] == "'" + text


def test_text_with_commas_quotes_and_line_breaks_survives(overview):
    reason = 'a, "b"\nc; ä 你\rd'
    row = replace(overview.trials[0], reason=reason)
    (line,) = read_csv(replace(overview, trials=[row]))
    assert line["reason"] == reason.replace("\r", " ")


def test_settings_that_only_some_trials_have_are_empty_in_the_others(overview):
    first, second = overview.trials[:2]
    odd = replace(first, settings={**first.settings, "model.heads": 4, "model.flag": True})
    one, two = read_csv(replace(overview, trials=[odd, second]))
    assert (one["model.heads"], two["model.heads"]) == ("4", "")
    assert (one["model.flag"], two["model.flag"]) == ("true", "")


def test_json_holds_the_study_and_every_trial_with_its_curve(overview):
    told = json.loads(written(overview, "json"))
    assert told["name"] == "small"
    assert [trial["number"] for trial in told["trials"]] == list(range(7))
    assert told["trials"] == [row.to_json() for row in overview.trials]
    assert len(told["trials"][0]["epochs"]) == 3


def test_a_study_without_trials_is_an_empty_table(overview):
    empty = replace(overview, trials=[])
    assert read_csv(empty) == []
    assert json.loads(written(empty, "json"))["trials"] == []


def test_json_has_null_where_a_number_is_none(overview):
    row = overview.trials[0]
    odd = replace(row, epochs=[{**row.epochs[0], "gradient_norm": float("nan")}])
    told = json.loads(written(replace(overview, trials=[odd]), "json"), parse_constant=pytest.fail)
    assert told["trials"][0]["epochs"][0]["gradient_norm"] is None


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_a_file_holds_what_a_stream_gets(overview, tmp_path, format):
    if format == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"out.{format}"
    path.write_text("an older file")
    export(overview, format, path)
    assert path.read_bytes() == written(overview, format)
    assert list(tmp_path.iterdir()) == [path]


class Unreadable:
    """A list of trials that breaks off while it is written."""

    def __init__(self, trials, error):
        self.trials, self.error, self.passes = trials, error, 0

    def __iter__(self):
        self.passes += 1
        yield self.trials[0]
        if self.passes == 3:
            raise self.error
        yield from self.trials[1:]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_older_file_and_no_other(overview, tmp_path, error):
    path = tmp_path / "out.csv"
    path.write_text("an older file")
    broken = replace(overview, trials=Unreadable(overview.trials, error))
    expected = InputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        export(broken, "csv", path)
    assert path.read_text() == "an older file"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line(overview, tmp_path):
    broken = replace(overview, trials=Unreadable(overview.trials, OSError(28, "No space left")))
    with pytest.raises(InputError, match=r"--out .*out.csv: no space left"):
        export(broken, "csv", tmp_path / "out.csv")


def test_a_missing_folder_is_named(overview, tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist"):
        export(overview, "csv", tmp_path / "nowhere" / "out.csv")


def test_the_database_itself_is_never_written_over(overview, mixed):
    path = Path(mixed.storage.engine.url.database)
    before = path.read_bytes()
    with pytest.raises(InputError, match="this is a database"):
        export(overview, "csv", path)
    assert path.read_bytes() == before


def test_a_device_is_written_to_in_place(overview):
    export(overview, "csv", Path("/dev/null"))
    assert Path("/dev/null").is_char_device()


def test_a_link_keeps_pointing_at_its_file(overview, tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    export(overview, "csv", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == written(overview, "csv")


@pytest.mark.parametrize(
    ("asked", "path", "format"),
    [
        (None, None, "csv"),
        (None, "x.json", "json"),
        (None, "x.PARQUET", "parquet"),
        (None, "x.txt", "csv"),
        ("json", "x.csv", "json"),
    ],
)
def test_the_format_is_the_one_asked_for_else_that_of_the_ending(asked, path, format):
    assert chosen_format(asked, Path(path) if path else None) == format


def test_an_unknown_format_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="unknown format 'jsn'; did you mean 'json'"):
        chosen_format("jsn", None)
