"""Sentences that say what measurements show, computed from the run; where nothing differs they say so."""

import math
from collections.abc import Mapping
from typing import Any

from geovq.evaluation import TokenUsage
from geovq.viz import tokenizer_style

Measurements = Mapping[str, Mapping[str, Any]]

_CLEAR_BITS = 0.01  # bits per token that are worth a word
_Z = 2.0  # standard errors beyond which a difference is called one


def best_finding(measurements: Measurements) -> str:
    """The comparison that matters most among what was measured, for a heading; empty if there is nothing to compare."""
    names = [name for name in ("riemannian", "euclidean", "vqvae", "kmeans") if name in measurements]
    if len(names) < 2:
        return ""
    challenger, reference = names[0], "kmeans" if "kmeans" in names else names[1]
    return rate_distortion_finding(measurements, challenger, reference)


def rate_distortion_finding(measurements: Measurements, name: str, reference: str) -> str:
    """One sentence: distortion and rate of a tokenizer against another."""
    ours, theirs = measurements[name], measurements[reference]
    a, b = tokenizer_style(name).label, tokenizer_style(reference).label
    # Of one image there is no standard error, so nothing is clear.
    error = math.hypot(*(measured.get("distortion_standard_error", math.inf) for measured in (ours, theirs)))
    gap = ours["distortion"] - theirs["distortion"]
    rate = rate_words(ours["entropy_bits"] - theirs["entropy_bits"])
    if abs(gap) <= _Z * error or theirs["distortion"] == 0:
        return f"{a} and {b} do not differ clearly in distortion; {a} {rate}"
    share = abs(gap) / theirs["distortion"]
    return f"{a} has {share:.0%} {'less' if gap < 0 else 'more'} distortion than {b} and {rate}"


def rate_words(difference_bits: float) -> str:
    """A difference in rate, as the end of a sentence."""
    if abs(difference_bits) < _CLEAR_BITS:
        return "needs as many bits per token"
    return f"needs {abs(difference_bits):.2f} bits per token {'less' if difference_bits < 0 else 'more'}"


def usage_finding(usages: Mapping[str, TokenUsage]) -> str:
    """How many codes are used and how evenly, for each tokenizer."""
    parts = [
        f"{tokenizer_style(name).label} uses {usage.n_used} of {len(usage.counts)} codes at "
        f"{usage.entropy_bits:.2f} bits per token"
        for name, usage in usages.items()
    ]
    return "; ".join(parts)


def extreme_position(values: Any) -> tuple[int, int]:
    """Row and column of the largest entry of a map."""
    cells = [(float(value), row, column) for row, line in enumerate(values) for column, value in enumerate(line)]
    _, row, column = max(cells)
    return row, column


def border_is_quieter(values: Any) -> bool:
    """Whether the outermost cells of a map carry less than half of what the inner ones do, on average."""
    inner, total = values[1:-1, 1:-1], values.sum()
    n_border = values.size - inner.size
    return bool((total - inner.sum()) / n_border < inner.mean() / 2)
