"""What a person may look at of a trial on text: its samples, its curves and the best one's model,
kept as artifacts while it goes on.

None of these can cost a trial anything: where one cannot be made or kept, that is told, once. Knows
neither how they are drawn nor how a model is trained.
"""

from collections.abc import Callable
from functools import cached_property

from optuna.trial import TrialState

from a3b_tune.storage.artifacts import artifact_folder
from a3b_tune.tuning import records
from a3b_tune.tuning.keeping import MODEL, keep_bytes, kept
from a3b_tune.tuning.recorded import curves_png, samples_text
from a3b_tune.tuning.studies import StoredStudy
from a3b_tune.tuning.trials import RunningTrial

SAMPLES, CURVES = "samples.txt", "curves.png"


class Artifacts:
    """Keeps the artifacts of one worker's trials. `told` hears, once, why one was not kept."""

    def __init__(self, stored: StoredStudy, told: Callable[[str], None]) -> None:
        self._stored = stored
        self._told = told

    def evaluated(self, trial: RunningTrial) -> None:
        """After an evaluation: all samples so far, and at the trial's end its curves."""
        file = self._stored.file
        text = samples_text(
            trial.epochs,
            file.metric.name,
            file.training.evaluate_every,
            file.samples.seed_length,
        )
        if text:
            self._keep(trial, SAMPLES, text.encode(), "text/plain")
        if trial.ending is not None and trial.epochs:
            self._keep_curves(trial)

    def is_best(self, trial: RunningTrial) -> bool:
        """Whether a trial that ends is complete and better than all before it."""
        assert trial.ending is not None
        if trial.ending.state != TrialState.COMPLETE or trial.best_value is None:
            return False
        complete = self._stored.view.trials(TrialState.COMPLETE)
        values = [each.value for each in complete if each.value is not None]
        best = self._stored.file.metric.best(values)
        return best is None or self._stored.file.metric.better(trial.best_value, best)

    def keep_model(self, trial: RunningTrial, content: bytes) -> None:
        """Keeps what a trial has learned, so that it can be asked later."""
        self._keep(trial, MODEL, content, "application/octet-stream")

    def _keep_curves(self, trial: RunningTrial) -> None:
        file = self._stored.file
        try:
            picture = curves_png(
                trial.epochs,
                file.metric.name,
                f"{file.study.name}, trial {trial.number}",
                every=file.training.evaluate_every,
                best_epoch=trial.best_epoch,
                line=self._line,
            )
        except ImportError as error:
            self._told(f"curves are not drawn: {error}")
            return
        self._keep(trial, CURVES, picture, "image/png")

    def _keep(self, trial: RunningTrial, name: str, content: bytes, mimetype: str) -> None:
        earlier = kept(trial.frozen.system_attrs, name)
        try:
            notes = keep_bytes(self._stored, name, content, mimetype, earlier)
        except OSError as error:
            folder = artifact_folder(self._stored.storage.url)
            self._told(f"artifacts cannot be kept in {folder}: {error.strerror or error}")
            return
        if earlier is None:
            trial.note(notes)

    @cached_property
    def _line(self) -> tuple[str, float] | None:
        """What a curve can come down to, where that is known."""
        floor = self._stored.study.user_attrs.get(records.STUDY_FLOOR)
        return None if floor is None else ("floor", float(floor["value"]))
