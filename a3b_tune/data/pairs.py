"""Pairs of neighbouring words as words of their own, for models that know no order: bags of n-grams
(Joulin et al. 2017, "Bag of Tricks for Efficient Text Classification").

Knows nothing of how rows are cut or batched. Letters: P pairs, N tokens, V words without pairs.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from a3b_tune.data.rows import Rows
from a3b_tune.data.vocabulary import SPECIALS, Vocabulary

# Stands between the two words of a pair in a vocabulary; no word of its own holds one.
BETWEEN = " "


@dataclass(frozen=True, eq=False)
class Pairs:
    """The pairs that are read: `keys` (P,) int64, ascending, are first word × `words` + second
    word, `indices` (P,) int32 what each is called; `words` is V."""

    keys: Tensor
    indices: Tensor
    words: int

    @classmethod
    def most_common(cls, rows: Rows, words: int, size: int) -> Self:
        """The `size` most frequent pairs of neighbours in these rows, or all where there are fewer,
        numbered from `words` on by falling count. A special token makes no pair."""
        keys, known = _keys(rows.packed(), words)
        found, counts = np.unique(keys[known].numpy(), return_counts=True)
        # Stable, so that pairs of one count have an order that no library decides.
        chosen = found[np.argsort(-counts, kind="stable")[:size]]
        order = np.argsort(chosen)
        indices = torch.from_numpy((words + order).astype(np.int32))
        return cls(torch.from_numpy(chosen[order]), indices, words)

    def __len__(self) -> int:
        return len(self.keys)

    def names(self, vocabulary: Vocabulary) -> list[str]:
        """The pairs in the order of their indices, as their two words."""
        i2w, keys = vocabulary.i2w, self.keys[self.indices.argsort()].tolist()
        return [f"{i2w[k // self.words]}{BETWEEN}{i2w[k % self.words]}" for k in keys]

    def beside(self, rows: Rows) -> Rows:
        """The same rows with each known pair behind its first word; sorted by their new lengths."""
        rows = rows.packed()
        keys, known = _keys(rows, self.words)
        place = torch.searchsorted(self.keys, keys).clamp(max=max(0, len(self) - 1))
        if len(self):
            known &= self.keys[place] == keys
        else:
            known = torch.zeros_like(known)
        ends = (known.long() + 1).cumsum(0)
        tokens = rows.tokens.new_empty(int(ends[-1]))
        tokens[ends - 1 - known.long()] = rows.tokens
        tokens[ends[known] - 1] = self.indices[place[known]]
        lasts = ends[rows.starts + rows.lengths - 1]
        lengths = torch.diff(lasts, prepend=lasts.new_zeros(1))
        widened = Rows.from_flat(tokens, lengths, torch.arange(len(rows)))
        order = widened.labels
        return replace(widened, labels=rows.labels[order], counts=rows.counts[order])


def _keys(rows: Rows, words: int) -> tuple[Tensor, Tensor]:
    """(N,) the key of each token of packed rows with the next one, and where the two make a
    pair."""
    tokens = rows.tokens.long()
    keys = tokens * words + torch.roll(tokens, -1)
    plain = tokens >= len(SPECIALS)
    known = plain & torch.roll(plain, -1)
    known[rows.starts + rows.lengths - 1] = False
    return keys, known
