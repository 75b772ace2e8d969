"""Who hears a run beside the screen, from a real search."""

import json

import pytest

from a3b_tune.cli.logs import Heard
from a3b_tune.tuning.events import LostFound
from tests.commands import SMALL, answered, contents, refused


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def curves(here):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is an extra",
    )
    found = {}
    for folder in sorted(here.glob("*/*/trial-*")):
        run = accumulator.EventAccumulator(str(folder))
        run.Reload()
        found[folder.name] = [event.value for event in run.Scalars("accuracy")]
    return found


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_search_writes_every_trials_curve_for_tensorboard(capsys, here, workers):
    """With two workers the events come from other processes."""
    words = ["--trials", "2", "--tensorboard", "--workers", workers, "--stack", "1"]
    answered(capsys, *SMALL, *words)
    found = curves(here)
    assert sorted(found) == ["trial-0000", "trial-0001"]
    told = json.loads(answered(capsys, "export", "--format", "json"))
    for row in told["trials"]:
        values = [epoch["accuracy"] for epoch in row["epochs"]]
        assert found[f"trial-{row['number']:04}"] == pytest.approx(values)


def test_its_folder_can_be_named_and_is_asked_for_again(capsys, here):
    text = answered(capsys, *SMALL, "--trials", "1", "--tensorboard-dir", "my runs")
    assert curves(here)
    assert (here / "my runs" / "baseline_xor" / "trial-0000").is_dir()
    assert "--tensorboard-dir 'my runs'" in text


def test_a_folder_that_cannot_be_one_is_refused_before_anything_is_made(capsys, here):
    (here / "file").write_text("")
    line = refused(capsys, *SMALL, "--tensorboard-dir", "file/below")
    assert "--tensorboard-dir file/below: nothing can be written there" in line
    assert contents(here) == ["file"]


@pytest.mark.parametrize(
    ("words", "package"), [(["--tensorboard"], "tensorboard"), (["--wandb", "p"], "wandb")]
)
def test_without_the_extra_it_is_said_how_to_get_it(capsys, here, monkeypatch, words, package):
    where = f"a3b_tune.results.{package}_log.find_spec"
    monkeypatch.setattr(where, lambda name: None)
    line = refused(capsys, *SMALL, *words)
    assert f"pip install 'a3b-tune[{package}]'" in line
    assert contents(here) == []


class Told(list):
    """A log that notes what it hears."""

    def __call__(self, event):
        self.append(event)

    def close(self):
        self.append("closed")


def test_all_hear_all_events_and_are_closed_whatever_happens():
    display, logs = Told(), [Told(), Told()]
    event = LostFound([1])
    with pytest.raises(KeyboardInterrupt), Heard(display, logs) as heard:
        heard(event)
        raise KeyboardInterrupt
    assert display == [event]
    assert logs == [[event, "closed"]] * 2
