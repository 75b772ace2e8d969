"""A DistilBERT of the kind that is fetched, but tiny and made on the spot: weights that mean
nothing, a tokenizer of its own, the files of the real one."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LONGEST = 64
SIZES = {
    "dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2, "max_position_embeddings": LONGEST,
}  # fmt: skip


def tokenizer_json(words: Iterable[str], size: int = 100) -> str:
    """The text of a tokenizer trained on some words."""
    tokenizers = pytest.importorskip("tokenizers", reason="the extra `pretrained` is not installed")
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=SPECIAL, show_progress=False
    )
    made.train_from_iterator([" ".join(words)], trainer)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    # The real one's file may ask for both.
    made.enable_truncation(8)
    made.enable_padding(length=8)
    text: str = made.to_str()
    return text


def tiny_distilbert(folder: Path, words: Iterable[str], seed: int = 0) -> Path:
    """The folder, with the files of a DistilBERT that knows the letters of some words."""
    transformers = pytest.importorskip(
        "transformers", reason="the extra `pretrained` is not installed"
    )
    import torch

    text = tokenizer_json(words)
    size = len(json.loads(text)["model"]["vocab"])
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(seed)
    body = transformers.DistilBertModel(transformers.DistilBertConfig(vocab_size=size, **SIZES))
    body.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(text, "utf-8")
    return folder
