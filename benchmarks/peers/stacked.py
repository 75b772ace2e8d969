"""a3b-tune's side: a stack whose slots are filled again as their trials end."""

from random import Random

from a3b_tune.training import Diverged, Prepared, Recipe, open_learner, recipe_from
from a3b_tune.training.learner import Learner, never
from a3b_tune.training.shape import Shape
from benchmarks.peers.work import EPOCHS, Job, Work, draw_lr

# Epochs that the learner is told to expect: so few that compiling cannot pay, so many that it must.
FEW, MANY = 1, 1_000_000


def recipe_of(work: Work, random: Random) -> Recipe:
    settings = {**work.settings, "optimizer.lr": draw_lr(random)}
    return recipe_from(settings, seed=random.randrange(2**31))


def shape_of(work: Work) -> Shape:
    return Shape.of(work.settings)


def open_for(work: Work, prepared: Prepared, slots: int, compiled: bool) -> Learner:
    """A learner of the work's shape."""
    return open_learner(shape_of(work), prepared, slots, never, MANY if compiled else FEW)


def run(job: Job) -> None:
    """Trials in K slots, until `job.done` raises."""
    random = Random(job.seed)
    prepared = Prepared(job.dataset, job.device)
    learner = open_for(job.work, prepared, job.slots, job.compiled)
    while True:
        while learner.room:
            learner.add(recipe_of(job.work, random))
        accuracies = []
        for member, epoch in learner.epoch().items():
            if isinstance(epoch, Diverged):
                learner.remove(member)
                continue
            accuracies.append(epoch.value)
            if epoch.epoch == EPOCHS:
                learner.remove(member)
        job.done(len(accuracies), sum(accuracies) / max(1, len(accuracies)))
