"""The table of token vectors, and how large they are at the start.

Knows nothing of positions or of what reads the vectors.
"""

import torch
from torch import nn


def token_embedding(vocabulary: int, width: int, std: float) -> nn.Embedding:
    """`nn.Embedding` (V, C) that starts as normal noise of standard deviation `std`.

    PyTorch's own start is 1. Where most words are rare it is far too much: a rare word keeps its
    noise, and a model that reads one row, not a mean of hundreds, drowns in it (three transformer
    blocks on IMDb, 4 epochs: 0.842 with 1, 0.874 with 0.1). ValueError for a std below 0.
    """
    if std < 0:
        raise ValueError(f"embedding_std {std} is below 0")
    empty = torch.empty(vocabulary, width)
    if empty.is_meta:
        # Built for its shape alone. To draw there would load sympy and half of PyTorch's compiler.
        return nn.Embedding(vocabulary, width, _weight=empty)
    embedding = nn.Embedding(vocabulary, width)
    nn.init.normal_(embedding.weight, std=std)
    return embedding
