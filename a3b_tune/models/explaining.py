"""How much each token of a row had to do with a model's answer.

A model that pools its embeddings adds up: what a token adds to the answer is exact, and the parts
sum to it. A model with attention shows where its last layer looked, which is another thing: weights
that are quite different may give the same answer (Jain and Wallace 2019, "Attention is not
Explanation"). Knows no words. Letters: B batch, T positions, C channels, H heads, S queries (T, or
1 with the select pool), O outputs.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from a3b_tune.models.baseline import Baseline
from a3b_tune.models.plainly import plainly
from a3b_tune.models.pools import mean_weights

Kind = Literal["contribution", "attention"]


@dataclass(frozen=True)
class Explained:
    """`weights` (B, T), 0 on padding. Contributions are signed, and with `rest` (B,) they sum to
    the answer's logit above that of `against` (B,), the likeliest of the other classes: of two
    classes, to its log-odds. Attention sums to 1; what it is against is None."""

    kind: Kind
    weights: Tensor
    rest: Tensor | None = None
    against: Tensor | None = None


def explain(model: nn.Module, tokens: Tensor) -> tuple[Tensor, Explained | None]:
    """The logits (B, O) of tokens (B, T), and what each token had to do with the likeliest class;
    None where the model is of no kind that can say so.

    A model of another's may answer itself: `attention_weights(tokens)` gives (B, T), 0 on padding.
    """
    with torch.no_grad(), plainly() as seen:
        logits: Tensor = model(tokens)
        if isinstance(model, Baseline):
            return logits, _added(model, tokens, logits)
        own: Any = getattr(model, "attention_weights", None)
        if own is not None:
            return logits, Explained("attention", own(tokens))
    padding = tokens == 0
    if not seen or seen[-1].shape[0] != len(tokens) or seen[-1].shape[-1] != tokens.shape[1]:
        return logits, None
    return logits, Explained("attention", looked(seen[-1], padding))


def looked(weights: Tensor, padding: Tensor) -> Tensor:
    """Attention weights (B, H, S, T) as one for each token (B, T): the mean over the heads, and
    over the rows of all tokens, where the model did not ask for the first one's alone."""
    heads = weights.mean(1)  # (B, S, T)
    if heads.shape[1] == 1:
        return heads[:, 0]
    return (heads * mean_weights(padding, heads).unsqueeze(2)).sum(1)


def _added(model: Baseline, tokens: Tensor, logits: Tensor) -> Explained:
    parts = contributions(model, tokens)  # (B, T, O)
    if logits.shape[1] == 1:
        return Explained("contribution", parts[..., 0], model.classify.bias.expand(len(tokens)))
    best, second = logits.topk(2, 1).indices.unbind(1)  # (B,)
    weights = _of(parts, best) - _of(parts, second)
    bias = model.classify.bias
    return Explained("contribution", weights, bias[best] - bias[second], second)


def contributions(model: Baseline, tokens: Tensor) -> Tensor:
    """What each token adds to each logit of a baseline: (B, T, O). With the layer's bias they sum
    to the logits.

    Of the max pool a token adds its value in those channels where it is the largest; the select
    pool reads the first token alone.
    """
    padding = tokens == 0
    x: Tensor = model.embedding(tokens)  # (B, T, C)
    if model.pool == "mean":
        share = mean_weights(padding, x).unsqueeze(2)
    elif model.pool == "max":
        winners = x.masked_fill(padding.unsqueeze(2), -math.inf).max(1).indices  # (B, C)
        share = one_hot(winners, tokens.shape[1]).transpose(1, 2)  # (B, T, C)
    else:
        share = torch.zeros_like(x)
        share[:, 0] = 1
    return (x * share) @ model.classify.weight.t()


def _of(parts: Tensor, classes: Tensor) -> Tensor:
    """(B, T) from parts (B, T, O), of each row's own class."""
    index = classes.view(-1, 1, 1).expand(-1, parts.shape[1], 1)
    return parts.gather(2, index).squeeze(2)
