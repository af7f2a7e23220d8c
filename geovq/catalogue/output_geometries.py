"""Geometries of image space that can be pulled back to latent space, each with its formula and the words of its unit.

A geometry is a diagonal metric on the pixel means f of a decoder: a change df has the squared length sum_p w_p(f)^2
df_p^2. Pulled back it is G = (w J)^T (w J). A diagonal metric of one mean per entry is flat: `embed`, with derivative
w, turns lengths into plain L2 lengths, so that curves can be measured as if the decoder painted embedded pixels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geovq.errors import InvalidValueError

if TYPE_CHECKING:
    from torch import Tensor

# Keeps the Fisher-Rao weight of saturated pixels, 1 / (f (1 - f)), at 100 or below. Without the bound saturated pixels,
# where J and f (1 - f) both vanish, would be all rounding error.
VARIANCE_FLOOR = 1e-2
_SATURATED = (1 - math.sqrt(1 - 4 * VARIANCE_FLOOR)) / 2  # f (1 - f) is the floor there


@dataclass(frozen=True)
class OutputGeometry:
    """One geometry of image space.

    Attributes
    ----------
    name : str
        As settings write it.
    length : str
        Unit of a length, for axes and captions.
    length_in_brackets : str
        The same, to stand between brackets.
    length_short : str
        The same, for headings of narrow columns.
    along_a_way : str
        Unit of a length that is summed along a way.
    base : str
        One word for the unit, to which exponents are put: of the magnification, of squared distances.
    adverb : str
        Completes "as long …" and "shorter … than".
    step : str
        What the length of a step is, in words.
    formula : str
        What stands for J in G = J^T J, in Markdown; "" for the Jacobian itself.
    weight : callable or None
        Pixel means to w, of the same shape; None is 1 everywhere.
    embed : callable or None
        Pixel means to coordinates with derivative w; None leaves them as they are.
    """

    name: str
    length: str
    length_in_brackets: str
    length_short: str
    along_a_way: str
    base: str
    adverb: str
    step: str
    formula: str = ""
    weight: "Callable[[Tensor], Tensor] | None" = None
    embed: "Callable[[Tensor], Tensor] | None" = None

    @property
    def squared(self) -> str:
        """Unit of a squared length."""
        return f"{self.base}²"

    @property
    def speed(self) -> str:
        """Title of the length per step."""
        return f"{self.base[0].upper()}{self.base[1:]} speed"


def _bernoulli_weight(means: "Tensor") -> "Tensor":
    """1 / sqrt(f (1 - f)), the root of the Fisher information of a Bernoulli variable with mean f."""
    _require_probabilities(means)
    return (means * (1 - means)).clamp_min(VARIANCE_FLOOR).rsqrt()


def _bernoulli_embedding(means: "Tensor") -> "Tensor":
    """2 arcsin(sqrt(f)), on which the Fisher-Rao metric is flat; a straight line where the weight is bounded."""
    inner = means.clamp(_SATURATED, 1 - _SATURATED)
    return 2 * inner.sqrt().asin() + (means - inner) / math.sqrt(VARIANCE_FLOOR)


def _require_probabilities(means: "Tensor") -> None:
    low, high = means.aminmax()
    if low < -1e-4 or high > 1 + 1e-4:
        raise InvalidValueError(
            f"output_geometry 'bernoulli' needs pixel means in [0, 1]; the decoder returned {low:.3g} to {high:.3g}. "
            "Pass a decoder that ends in a sigmoid, or use 'pixel'."
        )


_ALL = (
    OutputGeometry(
        name="pixel",
        length="pixel intensity (L2)",
        length_in_brackets="pixel intensity, L2",
        length_short="pixel L2",
        along_a_way="pixel intensity (L2 along the way)",
        base="pixel",
        adverb="in pixels",
        step="the root of the summed squared pixel differences",
    ),
    OutputGeometry(
        name="bernoulli",
        length="Fisher–Rao length",
        length_in_brackets="Fisher–Rao length",
        length_short="Fisher–Rao",
        along_a_way="Fisher–Rao length along the way",
        base="Fisher–Rao",
        adverb="by Fisher–Rao length",
        step="the root of the summed squared pixel differences, each divided by the standard deviation that the "
        "Bernoulli likelihood gives its pixel",
        formula="In this run lengths are those of Fisher and Rao: the row of $J$ that belongs to a pixel with mean $f$ "
        "is first divided by $\\sqrt{f (1 - f)}$.",
        weight=_bernoulli_weight,
        embed=_bernoulli_embedding,
    ),
)

OUTPUT_GEOMETRIES = {geometry.name: geometry for geometry in _ALL}
PIXEL = OUTPUT_GEOMETRIES["pixel"]
