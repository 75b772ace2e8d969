"""How far a member is, and its way into a snapshot and back: it goes on as if it had never stopped.

A member is its weights, its optimizer's moments, its counts and the state of its data order; its
noise hangs on the seed and the step alone. What is not trained is not in it, but a mark of it is:
a member goes on with the same frozen weights or not at all. One format for all learners: what one
has written another can read. Knows no learner.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

import torch
from torch import Tensor, nn

from a3b_tune.training.optimizers import Moments, moment_kinds, trained_parameters
from a3b_tune.training.recipe import Recipe
from a3b_tune.training.snapshot import BadSnapshot, Facts, pack, read_facts, unpack

WEIGHTS = "weights"
ORDER = "order"
FROZEN = "frozen"
# A generator's state has 624 words; these bytes of it tell how many are left until new ones are
# mixed, and which is next.
WORDS, LEFT, NEXT = 624, slice(8, 12), slice(16, 24)


@dataclass(frozen=True)
class Progress:
    """Where a member is between two epochs, beside its weights: epochs `done`, steps taken, the
    generator that shuffles its next epoch, and its optimizer's moments; none while all are zero."""

    done: int
    step: int
    order: torch.Generator
    moments: Moments = field(default_factory=dict)


def save(
    recipe: Recipe,
    weights: Mapping[str, Tensor],
    progress: Progress,
    frozen: Tensor | None = None,
) -> bytes:
    """A member as bytes; `weights` are its trained parameters by name, `frozen` is the mark of the
    others."""
    facts = Facts(progress.done, progress.step, recipe.seed, recipe.optimizer.name)
    parts = {WEIGHTS: weights, **progress.moments}
    tensors = {f"{kind}.{name}": t for kind, part in parts.items() for name, t in part.items()}
    return pack(facts, tensors | {ORDER: progress.order.get_state()} | _marked(frozen))


def frozen_mark(model: nn.Module) -> Tensor | None:
    """(4,) uint8 that tell frozen parameters from others; None where all are trained."""
    frozen = [p for p in model.parameters() if not p.requires_grad]
    if not frozen:
        return None
    found = 0
    for parameter in frozen:
        found = crc32(parameter.detach().cpu().contiguous().numpy().data, found)
    return torch.tensor(list(found.to_bytes(4, "little")), dtype=torch.uint8)


def _marked(frozen: Tensor | None) -> dict[str, Tensor]:
    return {} if frozen is None else {FROZEN: frozen}


def begin(
    recipe: Recipe,
    model: nn.Module,
    batches: int,
    saved: bytes | None,
    frozen: Tensor | None = None,
) -> Progress:
    """Where a member begins: anew, or where its snapshot was taken, whose weights are then put into
    `model`.

    :param batches: the steps of one epoch.
    :param frozen: the mark of the parameters that are not trained.
    :raises BadSnapshot: it is damaged, of another trial, or has no epoch left. `model` is then as
        it was.
    """
    if saved is None:
        return Progress(0, 0, torch.Generator().manual_seed(recipe.seed))
    facts = read_facts(saved)
    _check(facts, recipe, batches)
    parameters = trained_parameters(model)
    kinds = moment_kinds(recipe.optimizer)
    like: dict[str, Tensor] = {
        f"{kind}.{name}": p for kind in (WEIGHTS, *kinds) for name, p in parameters.items()
    }
    found = unpack(saved, like | {ORDER: torch.Generator().get_state()} | _marked(frozen))
    if frozen is not None and not torch.equal(found[FROZEN], frozen):
        raise BadSnapshot("snapshot: of a model whose frozen weights are others")
    order = _generator(found[ORDER])
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(found[f"{WEIGHTS}.{name}"])
    moments = {kind: {name: found[f"{kind}.{name}"] for name in parameters} for kind in kinds}
    return Progress(facts.epochs, facts.step, order, moments)


def _check(facts: Facts, recipe: Recipe, batches: int) -> None:
    epochs = recipe.training.rounds
    if facts.optimizer != recipe.optimizer.name:
        told = f"of optimizer {facts.optimizer!r}, not {recipe.optimizer.name!r}"
    elif facts.seed != recipe.seed:
        told = f"of seed {facts.seed}, not {recipe.seed}"
    elif facts.step != facts.epochs * batches:
        told = f"of {facts.step} steps in {facts.epochs} epochs, but one has {batches}"
    elif facts.epochs >= epochs:
        told = f"{facts.epochs} of {epochs} epochs are done, so none is left"
    else:
        return
    raise BadSnapshot(f"snapshot: {told}")


def _generator(state: Tensor) -> torch.Generator:
    """A generator in a state that may be anything. PyTorch looks at the two places in it, but not
    at whether both together lead out of it."""
    left, following = state[LEFT].view(torch.int32), state[NEXT].view(torch.int64)
    inside = 0 <= int(following) <= WORDS and int(left) + int(following) <= WORDS + 1
    generator = torch.Generator()
    try:
        if inside:
            return generator.set_state(state)
    except RuntimeError:
        inside = False
    raise BadSnapshot("snapshot: its data order is no generator's state")
