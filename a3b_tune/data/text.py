"""One text data set: a long sequence of tokens in three parts, its alphabet, and what is known of
the source it comes from.

Does not know how the text was made, nor which model reads it. Letters: N, M, S tokens.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from torch import Tensor

from a3b_tune.data.alphabet import Alphabet, Unit
from a3b_tune.errors import InputError


class Floor(NamedTuple):
    """The source's entropy in bits per token, and the standard error of that number."""

    value: float
    error: float


class Judged(NamedTuple):
    """What a source says of a sampled text: how many complete sentences stand in it, how many of
    them it can produce, and the bits (−log2 probability) of those, summed. Two add up."""

    sentences: int = 0
    valid: int = 0
    bits: float = 0.0

    def plus(self, other: "Judged") -> "Judged":
        return Judged(
            self.sentences + other.sentences, self.valid + other.valid, self.bits + other.bits
        )

    @property
    def valid_share(self) -> float | None:
        """None where no sentence is complete."""
        return self.valid / self.sentences if self.sentences else None

    @property
    def mean_bits(self) -> float | None:
        """Bits per valid sentence; None where there is none."""
        return self.bits / self.valid if self.valid else None


@dataclass(frozen=True, eq=False)
class Text:
    """`train` (N,), `validation` (M,) and `test` (S,) are uint8, int32 above 256 tokens, and may be
    views of a memory-mapped file, which nobody writes to.

    `ideal` (M,) float64 holds the bits of each validation token under the best predictor there can
    be, given all the text before it. `judge` is given text that begins where a sentence does, and
    `measure` works out `floor`. All these are None where the source of the text is not known.
    `file_hash` is of the bytes of the file, where the text comes from one.
    """

    name: str
    train: Tensor
    validation: Tensor
    test: Tensor
    alphabet: Alphabet
    ideal: Tensor | None = None
    measure: Callable[[], Floor] | None = None
    judge: Callable[[str], Judged] | None = None
    unit: Unit = "character"
    file_hash: str | None = None

    @cached_property
    def floor(self) -> Floor | None:
        """Worked out when it is first asked for, which may take a second."""
        return self.measure() if self.measure is not None else None

    @property
    def parts(self) -> dict[str, Tensor]:
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 over the name, the alphabet, the lengths of the parts and their tokens (or, where
        the text comes from a file, the file's hash)."""
        lengths = {name: len(part) for name, part in self.parts.items()}
        head = [self.name, self.unit, self.alphabet.i2t, lengths, self.file_hash]
        digest = hashlib.sha256(json.dumps(head).encode())
        for part in self.parts.values() if self.file_hash is None else ():
            values = part.cpu().numpy()
            digest.update(values.astype(f"<u{values.itemsize}", order="C", copy=False).data)
        return digest.hexdigest()


def check_length(text: Text, length: int) -> None:
    """Each part must hold at least one window of `length` inputs and one target.

    :raises InputError: one that does not, and the longest that would do.
    """
    for name, part in text.parts.items():
        if len(part) > length:
            continue
        most = min(map(len, text.parts.values())) - 1
        hint = f"the longest that fits is {most}" if most > 0 else "the text is too short"
        raise InputError(
            f"data.max_length: {length} needs {length + 1} {text.unit}s for a window, but"
            f" {text.name}'s {name} part has {len(part)}; {hint}"
        )
