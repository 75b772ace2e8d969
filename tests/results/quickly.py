"""Studies that are only told, made quickly: their rows are cut once, for nobody looks at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace

import pytest

from a3b_tune.data import Dataset
from a3b_tune.data.load import load
from tests.results import building


@cache
def few_rows() -> Dataset:
    return load("xor").sample(640, 0)


@contextmanager
def told_quickly(dataset: Dataset | None = None) -> Iterator[Dataset]:
    """Inside, `building` takes these rows for those of any study."""
    rows = few_rows() if dataset is None else dataset
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "load", lambda name: SimpleNamespace(sample=lambda *how: rows))
        yield rows
