"""Embeddings looked up and pooled in one go, when nothing happens to them in between.

Knows nothing of what the pooled row is for. The same numbers and gradients as `pool` of the
looked-up table, with less written down. Letters: B batch, T positions, C channels, V vocabulary.
"""

import math

from torch import Tensor, nn
from torch.nn.functional import embedding, embedding_bag

from a3b_tune.models.plainly import plain
from a3b_tune.models.pools import PoolName, mean_weights, pool

SHORT = 8  # positions up to which gathering is quicker than the bag kernel


def bag(name: PoolName, layer: nn.Embedding, tokens: Tensor) -> Tensor:
    """`tokens` (B, T), 0 for padding, to the pool (B, C) of their rows in `layer` (V, C).

    Where `layer.sparse` is set the table's gradient is sparse and has a row for each word of the
    batch, whether or not the pool took anything of it: these are the rows that move.
    """
    padding = tokens == 0
    if plain():
        return pool(name, layer(tokens), padding)
    if name == "mean" and (layer.sparse or tokens.shape[1] > SHORT):
        weights = mean_weights(padding, layer.weight)
        return embedding_bag(
            tokens, layer.weight, mode="sum", per_sample_weights=weights, sparse=layer.sparse
        )
    if layer.sparse or name == "mean":
        return pool(name, layer(tokens), padding)
    if name == "select":
        first: Tensor = layer(tokens[:, 0])
        return first
    return layer.weight.gather(0, winners(layer.weight.detach(), tokens, padding))


def winners(table: Tensor, tokens: Tensor, padding: Tensor) -> Tensor:
    """(B, C): which token of the row has the largest value in each channel."""
    x = embedding(tokens, table).masked_fill(padding.unsqueeze(-1), -math.inf)  # (B, T, C)
    return tokens.gather(1, x.max(1).indices)
