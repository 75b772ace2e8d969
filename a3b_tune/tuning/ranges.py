"""Optuna's words for what a setting may be. Knows no model, so a reader needs no torch."""

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from a3b_tune.study import Choices, Range


def distribution(setting: Range | Choices) -> BaseDistribution:
    """Optuna's word for a range or a choice."""
    if isinstance(setting, Choices):
        return CategoricalDistribution(setting.choices)
    if setting.integer:
        low, high = int(setting.low), int(setting.high)
        return IntDistribution(low, high, setting.log, int(setting.step or 1))
    return FloatDistribution(float(setting.low), float(setting.high), setting.log, setting.step)
