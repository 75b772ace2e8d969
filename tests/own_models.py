"""Models such as a person writes: some that stack, some that only train, some that do neither.

mypy does not read tests, and neither does whoever wrote these.
"""

from typing import Literal, Optional

import torch
from torch import nn

from a3b_tune.models.dropout import Dropout


class Bag(nn.Module):
    """Stacks."""

    def __init__(
        self,
        *,
        vocabulary: int,
        classes: int,
        max_length: int,
        width: int = 8,
        dropout: float = 0.0,
        way: Literal["max", "sum"] = "max",
        scale: Optional[float] = None,  # noqa: UP045 (as people write it)
    ):
        super().__init__()
        if width > 1000:
            raise ValueError(f"width {width} is above 1000")
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = Dropout(dropout)
        self.out = nn.Linear(width, classes)

    def forward(self, tokens):
        return self.out(self.dropout(self.embedding(tokens).relu().amax(1)))


class Small(Bag):
    """What follows has no settings but dropout."""

    def __init__(
        self, *, vocabulary: int, classes: int, max_length: int, dropout: float = 0.0
    ) -> None:
        super().__init__(
            vocabulary=vocabulary, classes=classes, max_length=max_length, dropout=dropout
        )
        self.keep = 1.0 - dropout
        self.register_buffer("seen", torch.zeros(()))


class Drops(Small):
    def forward(self, tokens):
        return super().forward(tokens) + nn.functional.dropout(self.out.bias, 0.5)


class DropsByLayer(Small):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int) -> None:
        super().__init__(vocabulary=vocabulary, classes=classes, max_length=max_length)
        self.dropout = nn.Dropout(0.5)


class Looks(Small):
    def forward(self, tokens):
        return super().forward(tokens) * (1 if tokens.max() > 3 else 2)


class Scales(Small):
    """Its dropout is a number that is no tensor."""

    def forward(self, tokens):
        return super().forward(tokens) * self.keep


class Freezes(Small):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int) -> None:
        super().__init__(vocabulary=vocabulary, classes=classes, max_length=max_length)
        self.embedding.weight.requires_grad_(False)


class ReadsNumbers(Small):
    """A token's number means something beside its row of the table."""

    def forward(self, tokens):
        return super().forward(tokens) * tokens.float().mean(1, keepdim=True)


class Says(Small):
    stacks = False


class Recurrent(nn.Module):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int, width: int = 16) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, classes)

    def forward(self, tokens):
        states, _ = self.gru(self.words(tokens))
        return self.out(states[:, -1])


class OfText(Bag):
    """Stacks."""

    reads_text = True

    def forward(self, tokens):
        return self.out(self.dropout(self.embedding(tokens).relu()))


class TooDeep(Small):
    def forward(self, tokens):
        return super().forward(tokens).unsqueeze(1)


class Whole(Small):
    def forward(self, tokens):
        return super().forward(tokens).long()


class Tuple(Small):
    def forward(self, tokens):
        return (super().forward(tokens),)


class Breaks(Small):
    def forward(self, tokens):
        return self.out(tokens)


class Still(Small):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int) -> None:
        super().__init__(vocabulary=vocabulary, classes=classes, max_length=max_length)
        self.requires_grad_(False)


class Counts(Small):
    def forward(self, tokens):
        self.seen += 1
        return super().forward(tokens)


class Fails(Small):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int) -> None:
        raise KeyError("no such thing")


class Short(nn.Module):
    def __init__(self, *, vocabulary: int, classes: int):
        """Takes no max_length."""


class Bare(nn.Module):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int, width=8):
        """Its width has no annotation."""


class Lists(nn.Module):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int, widths: list[int] = ()):
        """Its widths cannot be set."""


class Must(nn.Module):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int, width: int):
        """Its width has no default."""


class Named(nn.Module):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int, name: str = "x"):
        """A name is not its own to have."""


class Whatever(nn.Module):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int, **settings: int):
        """Takes anything."""


class Lost(nn.Module):
    def __init__(self, *, vocabulary: int, classes: int, max_length: int, width: "Intt" = 1):  # noqa: F821
        """Its annotation is nothing."""


class NoModule:
    """Not a model."""


number = 3
