"""The course's baseline: embed, pool, classify.

Knows nothing of order, or of what the other tokens are. Letters: B batch, T positions.
"""

from torch import Tensor, nn

from a3b_tune.models.bag import bag
from a3b_tune.models.embedding import token_embedding
from a3b_tune.models.geometry import check_width
from a3b_tune.models.pools import PoolName, check_pool, mean_weights
from a3b_tune.models.tables import WORTH, mean_of_outputs


class Baseline(nn.Module):
    """Embedding, pool over the positions, linear layer.

    `tokens` (B, T) int64 with 0 for padding to logits (B, classes). `max_length` does not matter:
    any T will do. ValueError: no such pool, a width below 1.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        classes: int,
        max_length: int,
        width: int = 64,
        pool: PoolName = "mean",
        embedding_std: float = 1.0,
    ) -> None:
        super().__init__()
        check_pool(pool)
        check_width(width)
        self.pool = pool
        self.embedding = token_embedding(vocabulary, width, embedding_std)
        self.classify = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, classes)."""
        table = self.embedding.weight
        if (
            self.pool == "mean"
            and not self.embedding.sparse
            and self.training
            and len(table) <= WORTH * tokens.numel()
        ):
            weights = mean_weights(tokens == 0, table)
            sums = mean_of_outputs(self.classify.weight, table, tokens, weights)
            return sums + self.classify.bias
        logits: Tensor = self.classify(bag(self.pool, self.embedding, tokens))
        return logits
