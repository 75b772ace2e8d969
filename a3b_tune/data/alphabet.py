"""The tokens of a text and their indices: characters in an order of their own, or the 256 bytes.

Knows neither where a text comes from nor that its beginning may be special to a data set.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from a3b_tune.errors import InputError

Unit = Literal["character", "byte"]
BLOCK = 2**20  # characters looked up at a time, to need little memory beside the text itself


@dataclass(frozen=True)
class Alphabet:
    """`i2t[index]` is the token, `t2i[token]` its index; a byte stands in `i2t` as its Latin-1
    character. Two alphabets are equal where they give each token the same index."""

    i2t: tuple[str, ...]
    unit: Unit = "character"

    @classmethod
    def of_counts(cls, *texts: str, before: Sequence[str] = ()) -> "Alphabet":
        """`before`, then the characters of all the texts by falling count, equal ones in the order
        of their first appearance (`Counter.most_common`)."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text)
        return cls((*before, *(token for token, _ in counts.most_common())))

    @classmethod
    def of_bytes(cls) -> "Alphabet":
        """The 256 bytes, each its own index."""
        return cls(tuple(map(chr, range(256))), "byte")

    def __len__(self) -> int:
        return len(self.i2t)

    @cached_property
    def t2i(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.i2t)}

    @property
    def dtype(self) -> torch.dtype:
        """The smallest of uint8 and int32 that holds every index."""
        return torch.uint8 if len(self) <= 256 else torch.int32

    def encode(self, text: str | bytes, what: str = "text") -> Tensor:
        """(N,) the tokens of a text, uint8 (int32 above 256 tokens); where the tokens are bytes a
        `str` counts as UTF-8.

        :raises InputError: the first character that is not in the alphabet, and its place.
        """
        if self.unit == "byte":
            raw = text.encode() if isinstance(text, str) else text
            return torch.from_numpy(np.frombuffer(raw, np.uint8).copy())
        known = text if isinstance(text, str) else _characters(text, what)
        tokens = torch.empty(len(known), dtype=self.dtype)
        for low in range(0, len(known), BLOCK):
            points = known[low : low + BLOCK].encode("utf-32-le", "surrogatepass")
            places = np.minimum(np.frombuffer(points, np.uint32), len(self._indices) - 1)
            indices = self._indices[places]
            if (indices < 0).any():
                place = low + int(np.argmax(indices < 0))
                raise InputError(f"{what}: {self._unknown(known, place)}")
            tokens[low : low + BLOCK] = torch.from_numpy(indices)
        return tokens

    def decode(self, tokens: Tensor | Iterable[int]) -> str:
        """The text of some tokens; bytes that are no UTF-8 become `�`."""
        indices = tokens.tolist() if isinstance(tokens, Tensor) else list(tokens)
        if self.unit == "byte":
            return bytes(indices).decode("utf-8", "replace")
        return "".join(self.i2t[index] for index in indices)

    @cached_property
    def _indices(self) -> npt.NDArray[np.int32]:
        """The index of each code point, -1 where it has none, as the last one always has none."""
        points = {ord(token): at for at, token in enumerate(self.i2t) if len(token) == 1}
        table = np.full(max(points, default=0) + 2, -1, np.int32)
        for point, at in points.items():
            table[point] = at
        return table

    def _unknown(self, text: str, place: int) -> str:
        character = text[place]
        near = [c for c in (character.lower(), character.upper()) if c in self.t2i]
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return (
            f"character {place + 1:,}, {character!r}, is not among the {len(self)} tokens of the"
            f" alphabet{hint}"
        )


def _characters(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        place, byte = error.start + 1, raw[error.start]
        raise InputError(f"{what}: byte {place:,} (0x{byte:02x}) is not UTF-8") from None
