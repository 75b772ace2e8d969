"""Whether the sections of a study file fit together: what rows and what text can be asked for.

Knows nothing of how a file is read, nor of which models there are.
"""

from typing import TYPE_CHECKING

from a3b_tune.study.kinds import SettingError
from a3b_tune.study.section import TEXT_DATA, only, refuse_foreign
from a3b_tune.study.sections import TRAINING_KEYS
from a3b_tune.study.settings import Choices, Range, Setting, show_setting
from a3b_tune.study.specs import Asha, Hyperband

if TYPE_CHECKING:
    from a3b_tune.study.file import StudyFile


def check_fit(file: "StudyFile") -> None:
    """Refuses keys that do not go with the data or with each other. Raises SettingError."""
    data = file.data.name
    wanted = "bits" if file.is_text else "accuracy"
    if file.study.metric != wanted:
        kind = "text" if file.is_text else "rows"
        text = f"{data} is {kind}, which is measured in {wanted}, not {file.study.metric}"
        raise SettingError("study.metric", text)
    refuse_foreign(file.training, "training", TRAINING_KEYS, data)
    if not file.is_text and file.samples.model_fields_set:
        key = sorted(file.samples.model_fields_set)[0]
        raise SettingError(f"samples.{key}", only(TEXT_DATA, data))
    if file.is_text:
        _check_steps(file.training.steps, file.training.evaluate_every)
    _check_pruner(file)


def largest(setting: Setting) -> int:
    """The largest value of a setting of whole numbers."""
    if isinstance(setting, Range):
        return int(setting.high)
    return max(map(int, setting.choices)) if isinstance(setting, Choices) else int(setting)


def _check_pruner(file: "StudyFile") -> None:
    pruner, most = file.study.pruner, file.rounds
    if isinstance(pruner, Hyperband | Asha) and pruner.min_resource > most:
        what = "the evaluations of a trial" if file.is_text else "training.epochs"
        raise SettingError(
            "study.pruner.min_resource",
            f"must be at most {what} ({most}), not {pruner.min_resource}",
        )


def _check_steps(steps: Setting, every: int) -> None:
    """Each trial ends with an evaluation."""
    if isinstance(steps, Range):
        if steps.low % every or steps.high % every or (steps.step or 1) % every:
            low = _nearest(steps.low, every)
            high = max(_nearest(steps.high, every), low + every)
            right = show_setting(Range(low=low, high=high, step=every))
            raise _not_multiple(every, show_setting(steps), right)
        return
    values = steps.choices if isinstance(steps, Choices) else (steps,)
    for value in map(int, values):
        if value % every:
            raise _not_multiple(every, str(value), str(_nearest(value, every)))


def _not_multiple(every: int, given: str, right: str) -> SettingError:
    text = f"must be a multiple of training.evaluate_every ({every}), not {given}"
    return SettingError("training.steps", f"{text}; did you mean {right}?")


def _nearest(value: float, every: int) -> int:
    """The multiple that is nearest, but not 0."""
    return max(1, round(value / every)) * every
