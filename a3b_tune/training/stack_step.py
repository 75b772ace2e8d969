"""What all members of a stack do at once: logits, losses, gradients, scores.

The model is an ordinary module that knows nothing of a stack: `torch.func.functional_call` puts a
member's weights into it, `torch.func.vmap` does so for all members in one operation each. Letters:
K members, B batch, T positions, O classes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from a3b_tune.training.noises import dropout_layers, drops

# Tokens × members in one piece of an evaluation: what it works on should stay in the cache.
PIECE = 2**16

# Tokens of one member's batch of text from which its products fill a core by themselves: then all
# members together only push each other out of the cache. Four members of width 32, 32 windows of
# 128: 185 ms of a core together, 147 one after the other; eight with 16 windows of 32: 44 and 48.
FILLED = 1024

Weights = Mapping[str, Tensor]


class StackedModel:
    """One module called with the weights of many."""

    def __init__(self, model: nn.Module, autocast: torch.autocast) -> None:
        self._model = model
        self._autocast = autocast
        self._layers = list(dropout_layers(model))
        self.drops = drops(model)
        self._own = vmap(self._call, in_dims=(0, 0, 0, 0))
        self._merged = vmap(self._call, in_dims=(0, 0, 0, None))
        self._same = vmap(self._call, in_dims=(0, None, None, None))

    def _call(
        self,
        weights: dict[str, Tensor],
        rates: Sequence[Tensor] | None,
        keys: Sequence[Tensor] | None,
        tokens: Tensor,
    ) -> Tensor:
        state = dict(weights)
        for name, rate, key in zip(self._layers, rates or (), keys or (), strict=False):
            state[f"{name}.rate"], state[f"{name}.key"] = rate, key
        logits: Tensor = functional_call(self._model, state, (tokens,))
        return logits

    def losses(
        self,
        weights: Weights,
        rates: Sequence[Tensor],
        keys: Sequence[Tensor],
        tokens: Tensor,
        labels: Tensor,
        shares: Tensor | None,
        smoothing: Tensor | None,
    ) -> Tensor:
        """(K,) the loss of each member's rows, as `Fed` has them; `rates` and `keys` (K,) for each
        dropout layer."""
        alone = labels.shape[0] == 1 if shares is None else shares.shape[0] == 1
        run = self._alone if alone else self._own if shares is None else self._merged
        # Compiled together they are quicker still.
        fills = labels.dim() == 3 and labels[0].numel() >= FILLED and labels.device.type == "cpu"
        if not alone and fills and not torch.compiler.is_compiling():
            run = self._each
        with self._autocast:
            logits = run(dict(weights), list(rates), list(keys), tokens)  # (K, B, O)
        if logits.dim() == 4:  # (K, B, T, V): of text each position is a row of its own
            logits, labels = logits.flatten(1, 2), labels.flatten(1)
        return losses(logits, labels.expand(logits.shape[:2]), shares, smoothing)

    def _alone(
        self, weights: Weights, rates: Sequence[Tensor], keys: Sequence[Tensor], tokens: Tensor
    ) -> Tensor:
        """One member, without the cost of `vmap`: the last of a stack may go on for long."""
        own = {name: weight[0] for name, weight in weights.items()}
        tokens = tokens[0] if tokens.dim() == 3 else tokens
        logits = self._call(own, [rate[0] for rate in rates], [key[0] for key in keys], tokens)
        return logits.unsqueeze(0)

    def _each(
        self, weights: Weights, rates: Sequence[Tensor], keys: Sequence[Tensor], tokens: Tensor
    ) -> Tensor:
        """One member after the other, of text (K, B, T): (K, B, T, V)."""
        own = {name: weight.unbind(0) for name, weight in weights.items()}
        logits = [
            self._call(
                {name: parts[k] for name, parts in own.items()},
                [rate[k] for rate in rates],
                [key[k] for key in keys],
                read,
            )
            for k, read in enumerate(tokens)
        ]
        return torch.stack(logits)

    def train(self, mode: bool = True) -> None:
        """Whether dropout drops, as `nn.Module.train`."""
        self._model.train(mode)

    @torch.no_grad()
    def right(self, weights: Weights, tokens: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
        """(K,) how many rows each member gets right, each row counted as often as it occurs.

        :param tokens: (B, T), the same for all; labels and counts (B,).
        """
        with self._autocast:
            logits = self._same(dict(weights), None, None, tokens)  # (K, B, O)
        return ((logits.argmax(2) == labels) * counts).sum(1)

    @torch.no_grad()
    def right_by_member(
        self, weights: Weights, tokens: Tensor, labels: Tensor, counts: Tensor
    ) -> Tensor:
        """As `right`, one member after the other: where a large table is looked up there is little
        to share."""
        found = []
        for member in range(next(iter(weights.values())).shape[0]):
            own = {name: weight[member] for name, weight in weights.items()}
            with self._autocast:
                logits = functional_call(self._model, own, (tokens,))  # (B, O)
            found.append(((logits.argmax(1) == labels) * counts).sum())
        return torch.stack(found)


def count_right(
    model: StackedModel,
    weights: Weights,
    batches: Iterable[tuple[Tensor, Tensor, Tensor]],
    vocabulary: int,
) -> Tensor:
    """(K,) how many rows of all batches each member gets right, as `StackedModel.right` says."""
    members = next(iter(weights.values())).shape[0]
    model.train(False)
    right = []
    for batch in batches:
        if vocabulary > batch[0].numel():
            right.append(model.right_by_member(weights, *batch))
        else:
            right += [model.right(weights, *piece) for piece in pieces(members, [batch])]
    model.train()
    return torch.stack(right).sum(0)


def at_least_single(tensor: Tensor) -> torch.dtype:
    """The type to take exponentials and sums of a tensor in."""
    return torch.promote_types(tensor.dtype, torch.float32)


def losses(
    logits: Tensor, labels: Tensor, shares: Tensor | None, smoothing: Tensor | None
) -> Tensor:
    """(K,) the mean cross-entropy of each member's batch.

    :param logits: (K, B, O); labels (K, B).
    :param shares: (K, B) how much of the batch each row is, None for all alike.
    :param smoothing: (K,) the share of the target spread over all classes, None for none.
    """
    # Classes are few: with rows last, many are worked on at once.
    log_p = logits.transpose(1, 2).log_softmax(1, dtype=at_least_single(logits))  # (K, O, B)
    hit = log_p.gather(1, labels.unsqueeze(1)).squeeze(1)  # (K, B)
    if smoothing is not None:
        hit = torch.lerp(hit, log_p.mean(1), smoothing.unsqueeze(1))
    return -(hit.mean(1) if shares is None else (hit * shares).sum(1))


def member_norms(gradients: Iterable[Tensor]) -> Tensor:
    """(K,) the Euclidean norm of each member's gradients (K, …) together."""
    squares = [g.flatten(1).square().sum(1) for g in gradients]
    return torch.stack(squares).sum(0).sqrt()


def clip_members(gradients: Iterable[Tensor], norms: Tensor, limits: Tensor) -> None:
    """Scales each member's gradients so that their norm is at most its limit (K,), as
    `torch.nn.utils.clip_grad_norm_` does."""
    scale = (limits / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))


def kept_bytes(action: Callable[[], object]) -> int:
    """What the backward pass of an action keeps, in bytes."""
    kept = 0

    def keep(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        action()
    return kept


def pieces(
    members: int, batches: Iterable[tuple[Tensor, Tensor, Tensor]]
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Validation batches cut so that all members' work on one stays small."""
    for tokens, labels, counts in batches:
        size = max(1, PIECE // (members * tokens.shape[1]))
        for low in range(0, len(labels), size):
            some = slice(low, low + size)
            yield tokens[some], labels[some], counts[some]
