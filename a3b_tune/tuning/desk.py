"""What all stacks of a worker share, and how they tell what becomes of a trial.

Knows no learner and no stack.
"""

from collections.abc import Callable
from dataclasses import dataclass

from a3b_tune.tuning import records
from a3b_tune.tuning.account import Account
from a3b_tune.tuning.asking import Queue
from a3b_tune.tuning.checkpointing import Checkpoints
from a3b_tune.tuning.events import Event, LostFound, TrialEnded
from a3b_tune.tuning.liveness import Heart, Reaped
from a3b_tune.tuning.showing import Artifacts
from a3b_tune.tuning.studies import StoredStudy
from a3b_tune.tuning.trials import RunningTrial


@dataclass(frozen=True)
class Desk:
    """What all stacks of a worker share. `reached` says why to stop now, or None."""

    stored: StoredStudy
    queue: Queue
    account: Account
    reached: Callable[[], str | None]
    notify: Callable[[Event], None]
    heart: Heart
    checkpoints: Checkpoints
    artifacts: Artifacts

    def hear(self) -> None:
        """Tells what was found out about other workers since it was last asked."""
        while self.heart.news:
            news = self.heart.news.popleft()
            if not isinstance(news, Reaped):
                self.notify(news)
            elif news.failed:
                self.notify(TrialEnded(news.number, "failed", None, None, news.reason))
            else:
                self.notify(LostFound([news.number]))


def ended_event(trial: RunningTrial) -> TrialEnded:
    """What is told of a trial that has ended."""
    assert trial.ending is not None
    return TrialEnded(
        trial.number,
        records.STATES[trial.ending.state],
        trial.best_value,
        trial.best_epoch,
        trial.ending.reason,
    )
