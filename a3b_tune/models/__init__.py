"""What is trained: plain nn.Modules, keyword arguments in, logits out.

This room knows nothing of data sets, training, studies or Optuna.
"""

from a3b_tune.models.registry import MODELS, build, check_setting, settings_of

__all__ = ["MODELS", "build", "check_setting", "settings_of"]
