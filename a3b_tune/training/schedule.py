"""The learning rate over a trial's steps, as a factor of the rate that was asked for.

Knows no optimizer and no model.
"""

import math


def rate_factor(step: int, steps: int, warmup: float, schedule: str) -> float:
    """The factor for one step.

    The rate climbs linearly over the first `warmup` share of the steps (so that the last of them
    runs at the full rate) and then stays (`constant`), falls to zero in a line (`linear`) or along
    half a cosine (`cosine`, Loshchilov & Hutter 2017, without restarts).

    :param step: 0 for the first step of the trial.
    :param steps: how many steps the trial has if nothing stops it.
    """
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    if schedule == "constant":
        return 1.0
    done = (step - rising) / max(1, steps - rising)
    if schedule == "linear":
        return 1.0 - done
    return 0.5 * (1.0 + math.cos(math.pi * done))
