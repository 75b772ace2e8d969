"""Who hears a run beside the screen: TensorBoard and Weights & Biases, where they are asked for.

Knows neither of their formats.
"""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from a3b_tune.cli.asked import Asked
from a3b_tune.cli.display import Display
from a3b_tune.study import StudyFile
from a3b_tune.tuning.events import Event


class Log(Protocol):
    """Hears events until it is closed."""

    def __call__(self, event: Event) -> None: ...

    def close(self) -> None: ...


def check_logs(asked: Asked) -> None:
    """Refuses, before anything is made, what cannot be written or sent. Raises InputError."""
    if asked.tensorboard is not None:
        from a3b_tune.results.tensorboard_log import check_tensorboard

        check_tensorboard(asked.tensorboard)
    if asked.wandb is not None:
        from a3b_tune.results.wandb_log import check_wandb

        check_wandb(asked.wandb)


def open_logs(asked: Asked, file: StudyFile, told: Callable[[str], None]) -> list[Log]:
    """Those that were asked for.

    :param told: is given a line about what goes wrong with one.
    """
    logs: list[Log] = []
    if asked.tensorboard is not None:
        from a3b_tune.results.tensorboard_log import TensorBoardLog

        logs.append(TensorBoardLog(asked.tensorboard, file, told))
    if asked.wandb is not None:
        from a3b_tune.results.wandb_log import WandBLog

        logs.append(WandBLog(asked.wandb, file, told))
    return logs


class Heard:
    """Every event goes to the display and to all logs; leaving it closes these."""

    def __init__(self, display: Display, logs: Sequence[Log]) -> None:
        self._display = display
        self._logs = logs

    def __call__(self, event: Event) -> None:
        self._display(event)
        for log in self._logs:
            log(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for log in self._logs:
            log.close()
