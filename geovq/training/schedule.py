"""The learning rate as a pure function of the step, so that a resumed run needs no scheduler state.

Source: Smith, Topin (2018), "Super-Convergence"; shape and constants as in `torch.optim.lr_scheduler.OneCycleLR`.
"""

import math

WARM_UP = 0.3  # share of the steps that the rate rises
START_DIVISOR = 25.0  # peak / first rate
END_DIVISOR = 1e4  # first rate / last rate


def one_cycle(step: int, n_steps: int, peak: float) -> float:
    """Learning rate of one step: up by a half cosine, down to almost nothing by another.

    Parameters
    ----------
    step : int
        From 0 to n_steps - 1.
    n_steps : int
    peak : float
        Largest rate.
    """
    first = peak / START_DIVISOR
    top = WARM_UP * n_steps - 1  # step of the peak; below 0 in runs of up to three steps, which only descend
    if step <= top:
        return _half_cosine(first, peak, step / top)
    return _half_cosine(peak, first / END_DIVISOR, (step - top) / (n_steps - 1 - top) if n_steps > 1 else 0.0)


def _half_cosine(start: float, end: float, fraction: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2
