"""The usual loop that trains a character model: `nn.TransformerEncoder` with a causal mask, AdamW.

Can be read by itself; knows nothing of a3b-tune. Letters: B batch, T positions, V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Encoder(nn.Module):
    """Embedding and learned positions, PyTorch's encoder without dropout, linear layer."""

    def __init__(self, vocabulary: int, width: int, heads: int, depth: int, length: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.classify = nn.Linear(width, vocabulary)
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, T, V). Told that the mask is causal, PyTorch takes its fused kernel."""
        x = self.embedding(tokens) + self.positions(torch.arange(tokens.shape[1]))
        return self.classify(self.encoder(x, mask=self.mask, is_causal=True))


class Loop:
    """Random windows of a text (N,), one step after the other."""

    def __init__(self, text: Tensor, model: Encoder, batch: int, length: int, compiled: bool):
        self.windows = text.unfold(0, length + 1, 1)
        self.batch = batch
        self.optimizer = torch.optim.AdamW(model.parameters())
        self.model = torch.compile(model) if compiled else model

    def steps(self, count: int) -> None:
        for _ in range(count):
            starts = torch.randint(len(self.windows), (self.batch,))
            some = self.windows[starts].long()  # (B, T + 1)
            self.optimizer.zero_grad()
            logits = self.model(some[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), some[:, 1:].flatten())
            loss.backward()
            self.optimizer.step()
