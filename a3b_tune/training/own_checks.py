"""Whether a person's own model can be built with the settings that a study file allows, reads the
file's data and gives what a model gives. Knows neither data nor ranges.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from a3b_tune.errors import InputError
from a3b_tune.models import build, reads_text
from a3b_tune.models.own import told
from a3b_tune.models.own_output import check_output, tiny_sizes
from a3b_tune.study import show_setting

SPARSE_TABLE = "embedding"


def check_own(name: str, draw: Mapping[str, Any]) -> nn.Module:
    """Builds a model, small but for its settings, and calls it once; the model.

    :raises InputError: one line with what is wrong, and with which settings.
    """
    of_text = reads_text(name)
    given = ", ".join(f"model.{key}={show_setting(value)}" for key, value in draw.items())
    with_these = f", drawn with {given}" if given else ""
    with torch.random.fork_rng(devices=[]):
        try:
            model = build(name, **tiny_sizes(reads_text=of_text), **draw)
        except InputError as error:
            raise InputError(f"{error}{with_these}") from None
        except Exception as error:  # noqa: BLE001 (a person's code)
            raise InputError(f"{name}: cannot be built: {told(error)}{with_these}") from None
        try:
            check_output(name, model, reads_text=of_text)
        except InputError as error:
            raise InputError(f"{error}{with_these}") from None
    return model


def check_sparse(name: str, model: nn.Module) -> None:
    """Refuses a model without the table of words that sparse_adam moves row by row.

    :raises InputError: it has none.
    """
    if not isinstance(getattr(model, SPARSE_TABLE, None), nn.Embedding):
        raise InputError(
            f"optimizer.name: 'sparse_adam' moves the words of an nn.Embedding called"
            f" {SPARSE_TABLE!r}, and {name} has none; did you mean 'adam'?"
        )
