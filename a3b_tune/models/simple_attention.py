"""The course's simple self-attention: no layers of its own, each output is a weighted mean of the
inputs.

Letters: B batch, T positions, S queries (T, or 1 with the select pool), C channels.
"""

from torch import Tensor, nn

from a3b_tune.models.attend import attend
from a3b_tune.models.embedding import token_embedding
from a3b_tune.models.geometry import check_width
from a3b_tune.models.pools import PoolName, check_pool, pool
from a3b_tune.models.positions import Positions, PositionsName
from a3b_tune.models.tables import Openings, first_attends


class SimpleAttention(nn.Module):
    """Embedding (and positions), softmax of the plain dot products, pool, linear layer.

    `tokens` (B, T) int64 with 0 for padding to logits (B, classes); T at most `max_length` unless
    positions are "none". ValueError: no such pool or positions, a width below 1.

    Unless `embedding_std` is given, embeddings and positions start with a length of about 1, not
    the sqrt(C) of `nn.Embedding`, where a token's product with itself is C and the softmax sees
    nothing else: so started, synth stayed at 0.5 from width 64 on (Adam, 3e-3 and 3e-2); with
    length 1 every run passed 0.74 in two epochs, and with learned positions each of 12 runs on xor
    (widths 16 to 300) reached 1.0.
    """

    openings: Openings | None = None  # set by who knows the data, where it has few

    def __init__(
        self,
        *,
        vocabulary: int,
        classes: int,
        max_length: int,
        width: int = 64,
        pool: PoolName = "select",
        positions: PositionsName = "none",
        embedding_std: float | None = None,
    ) -> None:
        super().__init__()
        check_pool(pool)
        check_width(width)
        self.pool = pool
        std = width**-0.5 if embedding_std is None else embedding_std
        self.embedding = token_embedding(vocabulary, width, std)
        self.positions = Positions(positions, max_length, width, scale=std)
        self.classify = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, classes). The select pool needs the first query's row alone."""
        if self.openings is not None and self.pool == "select":
            return self.by_tables(tokens, self.openings)
        padding = tokens == 0
        x = self.positions(self.embedding(tokens)).unsqueeze(2)  # (B, T, 1, C)
        queries = x[:, :1] if self.pool == "select" else x
        y = attend(queries, x, x, padding, scale=1.0).squeeze(2)  # (B, S, C)
        logits: Tensor = self.classify(pool(self.pool, y, padding))
        return logits

    def by_tables(self, tokens: Tensor, openings: Openings) -> Tensor:
        """The same logits from tables of all words."""
        table = self.embedding.weight
        places = self.positions.first(tokens.shape[1])
        queries = table[openings.tokens]  # (Q, C)
        if places is not None:
            queries = queries + places[0]
        outputs = self.classify.weight.unsqueeze(1)  # (O, 1, C)
        gathered = first_attends(queries.unsqueeze(0), outputs, table, places, tokens, openings)
        return gathered + self.classify.bias
