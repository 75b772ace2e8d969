"""Models that nobody has trained, with all that a folder of theirs holds."""

import torch

from a3b_tune.data import Alphabet
from a3b_tune.data.load import load
from a3b_tune.data.reader import reader_of
from a3b_tune.finals.checkpoint import Trained, write_checkpoint
from a3b_tune.models import build

METRICS = {"value": 0.75}
PROVENANCE = {"study": "none"}


def rows_model(name: str = "baseline", data: str = "xor", **settings) -> Trained:
    """A model that reads the rows of a small data set; `bigrams` is of the data."""
    dataset = load(data, bigrams=settings.pop("bigrams", None))
    settings = {"width": 4, **settings} if name == "baseline" else settings
    torch.manual_seed(1)
    sizes = {"vocabulary": len(dataset.vocabulary), "classes": 2, "max_length": 12}
    return Trained(
        build(name, **sizes, **settings).eval(), {"name": name, **settings}, reader_of(dataset),
        dataset.class_names, None, 12, None, data, dataset.data_hash,
    )  # fmt: skip


def text_model(alphabet: Alphabet) -> Trained:
    settings = {"heads": 2, "head_width": 4, "depth": 1}
    sizes = {"vocabulary": len(alphabet), "classes": len(alphabet), "max_length": 8}
    torch.manual_seed(1)
    model = build("causal_transformer", **sizes, **settings).eval()
    told = {"name": "causal_transformer", **settings}
    return Trained(model, told, None, (), alphabet, 8, None, "text", "0" * 64)


def put(path, trained: Trained):
    write_checkpoint(path, trained, METRICS, PROVENANCE)
    return path
