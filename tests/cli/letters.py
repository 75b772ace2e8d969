"""Studies on text to look at, told evaluation by evaluation, and one whose models are real."""

import torch

from a3b_tune.results.overview import StudyOverview, study_overview
from a3b_tune.storage.opening import open_storage
from a3b_tune.study import loads, override
from a3b_tune.training import Prepared
from a3b_tune.tuning.asking import ask
from a3b_tune.tuning.loop import Limits, Run
from a3b_tune.tuning.studies import StoredStudy, begin_or_go_on
from tests.results import building
from tests.tuning.conftest import TEXT_FILE, short_text

# A trial's bits, the excess of its last evaluation, and how it ended.
Outcome = tuple[list[float], float, str]
MIXED: list[Outcome] = [
    ([2.0, 1.5, 1.25], 0.7, "complete"),
    ([2.5], 1.9, "pruned: behind at step 10"),
    ([], 0.0, "pruned: diverged: mean loss nan by step 3"),
    ([1.0, 0.75, 0.5625], 0.0083, "complete"),
    ([0.25], 0.0, "running: "),
]


def begun(url: str, *changes: str, known: bool = True) -> StoredStudy:
    file = override(loads(TEXT_FILE, "letters.toml"), changes)
    return begin_or_go_on(open_storage(url, create=True), file, short_text(known=known))


def told(url: str, outcomes: list[Outcome], *, known: bool = True) -> StudyOverview:
    """A study whose trials ended as they are told here; where the source is not `known`, nothing is
    said of an ideal predictor."""
    stored = begun(url, known=known)
    for bits, excess, ending in outcomes:
        trial = ask(stored, 10_000, building.ABOUT)
        assert trial is not None
        last = len(bits)
        for number, value in enumerate(bits, 1):
            record = building.epoch(number, value)
            del record["accuracy"]
            record |= scores(value, excess, final=number == last, known=known)
            looks = [[10 * (number - 1) + at, 1.0 / number, 0.5, 1e-3] for at in (5, 10)]
            sample = f"abc {'abc ' * number}[bold]{number}"
            trial.report(value, {**record, "bits": value, "looks": looks, "sample": sample})
        building.tell(trial, [], ending)
    return study_overview(stored)


def scores(bits: float, excess: float, *, final: bool, known: bool) -> dict[str, float]:
    found = {"bits_error": 0.02, "bits_all": bits + 0.125, "bits_all_error": 0.01}
    if known:
        found |= {"excess": excess + 0.001, "excess_error": 0.002}
    if not final:
        return found
    found |= {"final_bits": bits + 0.01, "final_bits_error": 0.0061}
    if known:
        found |= {"final_excess": excess, "final_excess_error": 0.0011}
        found |= {"sentences": 612.0, "valid_share": 0.992, "sentence_bits": 29.5}
    return found


def trained(url: str, trials: int = 2) -> StoredStudy:
    """A study whose trials were really trained, on a text of three letters and a blank."""
    torch.set_num_threads(1)
    stored = begun(url)
    prepared = Prepared(short_text(), torch.device("cpu"))
    Run(stored, prepared, Limits(trials, None, lambda: None), lambda event: None, stack="1")()
    return stored
