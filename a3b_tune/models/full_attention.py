"""The course's full self-attention: queries, keys, values, scaling, heads; one layer.

Letters: B batch, T positions, S queries (T, or 1 with the select pool), C channels.
"""

from torch import Tensor, nn
from torch.nn.functional import embedding

from a3b_tune.models.attend import FEW
from a3b_tune.models.attention import SelfAttention
from a3b_tune.models.dropout import Dropout
from a3b_tune.models.embedding import token_embedding
from a3b_tune.models.geometry import width_of
from a3b_tune.models.plainly import plain
from a3b_tune.models.pools import PoolName, check_pool, pool
from a3b_tune.models.positions import Positions, PositionsName
from a3b_tune.models.tables import Openings, first_attends


class FullAttention(nn.Module):
    """Embedding (and positions), multi-head self-attention, dropout, pool, linear layer.

    `tokens` (B, T) int64 with 0 for padding to logits (B, classes); T at most `max_length` unless
    positions are "none". `width`, where given, is the number of channels and `head_width` does not
    count; else they are heads × head_width. ValueError: no such pool or positions, heads that do
    not divide the width, dropout outside [0, 1).
    """

    openings: Openings | None = None  # set by who knows the data, where it has few

    def __init__(
        self,
        *,
        vocabulary: int,
        classes: int,
        max_length: int,
        heads: int = 4,
        head_width: int = 16,
        width: int | None = None,
        pool: PoolName = "select",
        positions: PositionsName = "none",
        dropout: float = 0.0,
        embedding_std: float = 1.0,
    ) -> None:
        super().__init__()
        check_pool(pool)
        channels = width_of(heads, head_width, width)
        self.pool = pool
        self.embedding = token_embedding(vocabulary, channels, embedding_std)
        self.positions = Positions(positions, max_length, channels, scale=embedding_std)
        self.attention = SelfAttention(channels, heads, bias=False)
        self.dropout = Dropout(dropout)
        self.classify = nn.Linear(channels, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, classes). The select pool needs the first query's row alone."""
        if self.openings is not None and self.pool == "select" and not self.dropout.drops:
            return self.by_tables(tokens, self.openings)
        padding = tokens == 0
        y = self.attend(tokens, padding)  # (B, S, C)
        logits: Tensor = self.classify(self.dropout(pool(self.pool, y, padding)))
        return logits

    def attend(self, tokens: Tensor, padding: Tensor) -> Tensor:
        """(B, T) to (B, S, C). Where the batch holds more tokens than the vocabulary, the table is
        projected and then looked up: the same numbers, fewer rows through the layers."""
        first_only = self.pool == "select"
        folds = first_only and tokens.shape[1] > FEW
        few = tokens.numel() < self.embedding.num_embeddings
        if plain() or folds or self.embedding.sparse or few:
            x = self.positions(self.embedding(tokens))  # (B, T, C)
            y: Tensor = self.attention(x, padding, first_only=first_only)
            return y
        asking = tokens[:, :1] if first_only else tokens
        queries = self.look_up(asking, self.attention.queries)
        keys_values = self.look_up(tokens, self.attention.keys_values)  # (B, T, 2C)
        return self.attention.attend(queries, keys_values, padding)

    def look_up(self, tokens: Tensor, layer: nn.Linear) -> Tensor:
        """`layer` (without bias) of embeddings plus positions, as the sum of its two parts."""
        x = embedding(tokens, layer(self.embedding.weight))
        places = self.positions.first(tokens.shape[1])
        return x if places is None else x + layer(places)

    def by_tables(self, tokens: Tensor, openings: Openings) -> Tensor:
        """The same logits from tables of all words, the layers folded into one for each head."""
        table = self.embedding.weight
        places = self.positions.first(tokens.shape[1])
        asking = table[openings.tokens]  # (Q, C)
        if places is not None:
            asking = asking + places[0]
        queries = self.attention.fold_queries(asking)  # (H, Q, C)
        outputs = self.attention.fold_values(self.classify.weight)  # (O, H, C)
        gathered = first_attends(queries, outputs, table, places, tokens, openings)
        logits: Tensor = gathered + self.classify(self.attention.unify.bias)
        return logits
