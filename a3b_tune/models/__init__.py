"""What is trained: plain nn.Modules, keyword arguments in, logits out.

This room knows nothing of data sets, training, studies or Optuna.
"""

from a3b_tune.models.registry import (
    MODELS,
    ROW_MODELS,
    TEXT_MODELS,
    build,
    check_setting,
    reads_text,
    settings_of,
)

__all__ = [
    "MODELS",
    "ROW_MODELS",
    "TEXT_MODELS",
    "build",
    "check_setting",
    "reads_text",
    "settings_of",
]
