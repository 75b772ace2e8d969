"""What TensorBoard reads of what was written for it."""

import pytest

pytest.importorskip("tensorboard", reason="tensorboard is an extra")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from a3b_tune.errors import InputError
from a3b_tune.results.tensorboard_log import TensorBoardLog, check_tensorboard
from a3b_tune.study import load, override
from a3b_tune.study.catalogue import find
from a3b_tune.training.learner import Epoch, Look
from a3b_tune.tuning.events import EpochDone, TrialEnded, TrialStarted

SETTINGS = {"model.heads": 4, "optimizer.lr": 0.003, "model.tied": True, "training.clip": None}


def text_epoch(number, bits, every=250):
    looks = tuple(
        Look(every * (number - 1) + at * every // 10, 1.0 / number, 0.5, 1e-3)
        for at in range(1, 11)
    )
    scores = {"bits_all": bits + 0.1, "excess": bits - 0.5}
    return Epoch(number, 0.5, bits, 1.0, 1e-3, 1.0, 0.1, scores, looks, f"the *dog* {number}\nran")


def tell(log, number, epochs, state="complete", curve=()):
    log(TrialStarted(number, SETTINGS, {}, None, 1, curve))
    for epoch in epochs:
        log(EpochDone(number, len(epochs), epoch))
    if state:
        log(TrialEnded(number, state, epochs[-1].value, len(epochs), None))


def read(folder):
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    return found


def curve(found, name):
    return [(event.step, round(event.value, 6)) for event in found.Scalars(name)]


@pytest.fixture
def toy():
    return load(find("toy"))


def test_a_trial_on_text_is_a_run_with_its_curves(tmp_path, toy):
    log = TensorBoardLog(tmp_path, toy, pytest.fail)
    tell(log, 7, [text_epoch(1, 1.5), text_epoch(2, 1.25)])
    log.close()
    found = read(tmp_path / "toy" / "trial-0007")
    assert curve(found, "bits") == [(250, 1.5), (500, 1.25)]
    assert curve(found, "excess") == [(250, 1.0), (500, 0.75)]
    assert curve(found, "bits_all") == [(250, 1.6), (500, 1.35)]
    assert [step for step, _ in curve(found, "loss")] == [25 * at for at in range(1, 21)]
    assert len(found.Scalars("gradient_norm")) == len(found.Scalars("lr")) == 20


def test_its_samples_are_text_that_is_shown_as_it_is(tmp_path, toy):
    log = TensorBoardLog(tmp_path, toy, pytest.fail)
    tell(log, 0, [text_epoch(1, 1.5)])
    log.close()
    (event,) = read(tmp_path / "toy" / "trial-0000").Tensors("sample/text_summary")
    # Four blanks: Markdown's way to say that what follows is no Markdown.
    assert event.tensor_proto.string_val[0].decode() == "    the *dog* 1\n    ran"
    assert event.step == 250


def test_its_settings_stand_beside_its_best_value(tmp_path, toy):
    log = TensorBoardLog(tmp_path, toy, pytest.fail)
    tell(log, 0, [text_epoch(1, 1.5)])
    log.close()
    found = read(tmp_path / "toy" / "trial-0000")
    assert [round(event.value, 6) for event in found.Scalars("best/bits")] == [1.5]
    content = found.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    told = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert told["optimizer.lr"].number_value == 0.003
    assert told["model.tied"].number_value == 1
    assert "training.clip" not in told


def test_rows_have_a_point_for_each_epoch(tmp_path):
    file = override(load(find("xor")), ["study.name=x/../y z"])
    log = TensorBoardLog(tmp_path, file, pytest.fail)
    tell(log, 1, [Epoch(n, 1.0 / n, 0.5 + n / 10, 1.0, 1e-3, 1.0, 0.1) for n in (1, 2)])
    log.close()
    (study,) = tmp_path.iterdir()
    assert curve(read(study / "trial-0001"), "accuracy") == [(1, 0.6), (2, 0.7)]


def test_a_trial_that_goes_on_overwrites_what_its_broken_run_did_after_the_checkpoint(
    tmp_path, toy
):
    broken = TensorBoardLog(tmp_path, toy, pytest.fail)
    tell(broken, 0, [text_epoch(1, 1.5), text_epoch(2, 1.4), text_epoch(3, 9.0)], state=None)
    broken.close()
    # Files are read in the order of the second in which they were begun: this one was long ago.
    (file,) = (tmp_path / "toy" / "trial-0000").iterdir()
    file.rename(file.with_name("events.out.tfevents.1000000000.here.1.0"))
    log = TensorBoardLog(tmp_path, toy, pytest.fail)
    tell(log, 0, [text_epoch(3, 1.3)], curve=(1.5, 1.4))
    log.close()
    found = read(tmp_path / "toy" / "trial-0000")
    assert curve(found, "bits") == [(250, 1.5), (500, 1.4), (750, 1.3)]
    assert [step for step, _ in curve(found, "loss")] == [25 * at for at in range(1, 31)]


def test_trials_of_many_workers_do_not_mix(tmp_path, toy):
    log = TensorBoardLog(tmp_path, toy, pytest.fail)
    for number in (0, 1):
        log(TrialStarted(number, SETTINGS, {}, None, 2))
    for epoch in (1, 2):
        for number in (0, 1):
            log(EpochDone(number, 2, text_epoch(epoch, number + 1.0 / epoch)))
    log.close()
    for number in (0, 1):
        found = read(tmp_path / "toy" / f"trial-000{number}")
        assert curve(found, "bits") == [(250, number + 1.0), (500, number + 0.5)]


def test_a_folder_that_is_a_file_is_refused_and_nothing_is_made(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="nothing can be written there"):
            check_tensorboard(folder)
    check_tensorboard(tmp_path / "new" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_where_nothing_can_be_written_the_run_goes_on_and_is_told_once(tmp_path, toy):
    (tmp_path / "toy").write_text("in the way")
    told = []
    log = TensorBoardLog(tmp_path, toy, told.append)
    for number in (0, 1):
        tell(log, number, [text_epoch(1, 1.5)])
    log.close()
    (line,) = told
    assert str(tmp_path / "toy") in line
