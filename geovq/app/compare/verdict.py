"""The sentence that a comparison ends in: computed, with its interval; it says so where nothing differs."""

from geovq.app.compare.data import Measure
from geovq.app.shared.findings import rate_words
from geovq.evaluation import PairedDifference

_NOUNS: dict[Measure, str] = {"mse": "reconstruction error", "distortion": "distortion"}


def verdict(
    difference: PairedDifference, error_b: float, rate_a: float, rate_b: float, measure: Measure, names: tuple[str, str]
) -> str:
    """Who is closer to the pictures, and at what rate.

    Parameters
    ----------
    difference : PairedDifference
        A minus B, per image.
    error_b : float
        Mean error of B, in squared pixel intensity.
    rate_a, rate_b : float
        Bits per token.
    names : (str, str)
        What A and B are called.
    """
    a, b = names
    rate = rate_words(rate_a - rate_b)
    if not difference.excludes_zero or error_b == 0:
        return f"{a} and {b} do not differ clearly in {_NOUNS[measure]}; {a} {rate}"
    share = abs(difference.mean_difference) / error_b
    word = "less" if difference.mean_difference < 0 else "more"
    return f"{a} has {share:.0%} {word} {_NOUNS[measure]} than {b} and {rate}"


def interval_words(difference: PairedDifference) -> str:
    """The difference with its interval, how that was made, and on how many images."""
    return (
        f"Mean difference A − B over {difference.n:,} held-out images: {signed(difference.mean_difference)} pixel², "
        f"{difference.confidence:.0%} interval {signed(difference.lower)} to {signed(difference.upper)} "
        "(percentile bootstrap over images, both seeing the same ones)"
    )


def signed(value: float, digits: int = 5) -> str:
    """A number with its sign, and zero without one."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")
