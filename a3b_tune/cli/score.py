"""How a study's values and moments are told: as in a report. Knows no trial and no screen."""

from a3b_tune.results.score import BITS_DIGITS, Score, score_of

__all__ = ["BITS_DIGITS", "Score", "score_of"]
