"""Words as the wordpieces of a pre-trained tokenizer: rows to train on, and a person's text.

The only file that needs tokenizers, of the extra `pretrained`. A text is read as the rows' own was:
as lower-cased runs of letters, so a text and a row of the same words are the same tokens. Knows no
model and not where a tokenizer comes from. Letters: N rows, V words.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch

from a3b_tune.data.reader import Encoded
from a3b_tune.data.rows import Rows
from a3b_tune.data.table import tokenise
from a3b_tune.data.vocabulary import PAD, SPECIALS, UNK, Vocabulary

PADDING, UNKNOWN, FIRST, LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
# The tokens that every row has: [CLS], one wordpiece and [SEP].
LEAST = 3


@dataclass(frozen=True, eq=False)
class Wordpieces:
    """A tokenizer of the kind WordPiece, whose token 0 is padding. Each row and text begins with
    [CLS] and ends with [SEP], wherever it is cut."""

    tokenizer: Any
    first: int
    last: int
    unknown: int
    kind: ClassVar[str] = "wordpieces"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A tokenizer from the text of a `tokenizer.json`. Raises ValueError for any other text."""
        tokenizer = _tokenizer(text)
        if json.loads(text)["model"].get("type") != "WordPiece":
            raise ValueError("its tokenizer is not of the kind WordPiece")
        ids = {name: tokenizer.token_to_id(name) for name in (PADDING, UNKNOWN, FIRST, LAST)}
        if missing := [name for name, index in ids.items() if index is None]:
            raise ValueError(f"its tokenizer has no token {missing[0]}")
        if ids[PADDING] != PAD:
            raise ValueError(f"its tokenizer has {PADDING} as token {ids[PADDING]}, not {PAD}")
        return cls(tokenizer, ids[FIRST], ids[LAST], ids[UNKNOWN])

    def __len__(self) -> int:
        size: int = self.tokenizer.get_vocab_size()
        return size

    @cached_property
    def tokens(self) -> list[str]:
        """Every wordpiece by its number."""
        return [self.tokenizer.id_to_token(index) or "" for index in range(len(self))]

    @cached_property
    def tokenizer_json(self) -> str:
        """The text of a `tokenizer.json` that gives this tokenizer again."""
        text: str = self.tokenizer.to_str()
        return text

    def pieces(self, text: str) -> list[int]:
        """The wordpieces of a text's words, none where it has none."""
        words = " ".join(tokenise(text))
        found: list[int] = self.tokenizer.encode(words, add_special_tokens=False).ids
        return found

    def encode(self, text: str, max_words: int | None = None) -> Encoded:
        """At most `max_words` tokens, [CLS] and [SEP] among them; `words` are the wordpieces."""
        pieces = self.pieces(text)
        if max_words is not None:
            pieces = pieces[: max(0, max_words - 2)]
        tokens = [self.first, *pieces, self.last]
        words = [self.tokens[token] for token in tokens]
        return Encoded(tokens, words, [token == self.unknown for token in tokens])

    def rows(self, rows: Rows, vocabulary: Vocabulary) -> Rows:
        """The same rows in wordpieces, sorted by their new lengths.

        Wordpieces do not hang on a word's neighbours, so each word of the vocabulary is cut once: a
        second for IMDb's 99 000, however many reviews there are.
        """
        rows = rows.packed()
        flat, sizes = self._table(vocabulary)
        each = sizes[rows.tokens.long()]  # the wordpieces of each word
        begins = (sizes.cumsum(0) - sizes)[rows.tokens.long()]
        ends = each.cumsum(0)
        total = int(ends[-1])
        lasts = ends[rows.starts + rows.lengths - 1]
        lengths = torch.diff(lasts, prepend=lasts.new_zeros(1))  # (N,)
        row = torch.arange(len(rows)).repeat_interleave(lengths)
        shift = (begins - (ends - each)).repeat_interleave(each)
        tokens = torch.empty(total + 2 * len(rows), dtype=torch.int32)
        tokens[torch.arange(total) + 1 + 2 * row] = flat[shift + torch.arange(total)]
        behind = (lengths + 2).cumsum(0)
        tokens[behind - lengths - 2] = self.first
        tokens[behind - 1] = self.last
        cut = Rows.from_flat(tokens, lengths + 2, torch.arange(len(rows)))
        return replace(cut, labels=rows.labels[cut.labels], counts=rows.counts[cut.labels])

    def cut(self, rows: Rows, max_length: int) -> Rows:
        """Each row's first tokens and [SEP], `max_length` in all."""
        if rows.longest <= max_length:
            return rows
        rows = rows.cut(max_length).packed()
        rows.tokens[rows.starts + rows.lengths - 1] = self.last
        return rows

    def _table(self, vocabulary: Vocabulary) -> tuple[torch.Tensor, torch.Tensor]:
        """The wordpieces of all words, one behind the other, and how many each has (V,)."""
        special: list[Sequence[int]] = [[] for _ in SPECIALS]
        special[UNK] = [self.unknown]
        words = [*special, *(self.pieces(word) for word in vocabulary.i2w[len(SPECIALS) :])]
        sizes = np.fromiter(map(len, words), np.int64, count=len(words))
        flat = np.fromiter((p for word in words for p in word), np.int32, count=int(sizes.sum()))
        return torch.from_numpy(flat), torch.from_numpy(sizes)


def _tokenizer(text: str) -> Any:  # noqa: ANN401
    """Read by the package, which raises nothing but plain exceptions."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:
        raise ValueError("its tokenizer.json is damaged") from error
    # It is cut and padded here, whatever its file says.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
