"""Every colour of every figure, in one place; those of tokenizers are in `geovq.catalogue.tokenizers`.

Marks keep a contrast of at least 3:1 (WCAG 2.2, 1.4.11) against both the light and the dark background of the app, so a
figure needs no second version; text takes the theme's own colour. A tokenizer has one colour, symbol and line pattern
everywhere, so that colour is never the only signal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.viz.arrays import Array

LIGHT_BACKGROUND = "#ffffff"
DARK_BACKGROUND = "#11151c"

SEQUENTIAL = "Viridis"
DIVERGING = "RdBu_r"
NEUTRAL = "#7a8594"
DEAD = "#d1495b"
GRID = "rgba(122, 133, 148, 0.35)"
TILE_GAP = (122, 133, 148, 70)  # RGBA between the tiles of a mosaic: black digits stay apart on a dark page

QUALITATIVE = (
    "#2f81d6",
    "#d9661f",
    "#1f9373",
    "#9467c9",
    "#b07d12",
    "#c2588f",
    "#4f8f3a",
    "#d1495b",
    "#0f8fa6",
    "#a0704a",
)


@dataclass(frozen=True)
class Style:
    """How one tokenizer looks in every figure."""

    colour: str
    symbol: str
    dash: str
    label: str


def tokenizer_style(name: str) -> Style:
    """Style of a tokenizer; one that is not in the table gets the neutral colour and its own name."""
    known = TOKENIZERS.get(name)
    if known is None:
        return Style(NEUTRAL, "cross", "2px 6px", name)
    return Style(known.colour, known.marker, known.dash, known.label)


def rgb(colours: Sequence[str]) -> UInt8[Array, "n 3"]:
    """Colours of the form "#rrggbb" as numbers."""
    return np.array([list(bytes.fromhex(colour.removeprefix("#"))) for colour in colours], dtype=np.uint8)


def ink_on(fill: tuple[float, float, float]) -> str:
    """Black or white, whichever is easier to read on a colour.

    Parameters
    ----------
    fill : (float, float, float)
        sRGB in [0, 1].
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in fill]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]  # WCAG 2.2
    return "black" if luminance > 0.179 else "white"  # where both contrasts are equal: sqrt(1.05 * 0.05) - 0.05


def map_colouring(points: Float[Array, "K dims"], n_neighbors: int = 8) -> Int[Array, " K"]:
    """Colour numbers under which codes that lie side by side differ, as countries do on a political map.

    Greedy: each point takes the colour that is rarest so far among those its nearest, already coloured points leave.

    Parameters
    ----------
    points : ndarray of shape (K, dims)
        Where the codes lie.
    n_neighbors : int, default=8
        Nearest points that must differ; below the number of colours, so a free colour always exists.

    Returns
    -------
    ndarray of shape (K,)
        Indices into `QUALITATIVE`.
    """
    n_points = len(points)
    squared = ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)  # (K, K)
    nearest = np.argsort(squared, axis=1, kind="stable")[:, 1 : n_neighbors + 1]
    colours = np.full(n_points, -1, dtype=np.int64)
    counts = np.zeros(len(QUALITATIVE), dtype=np.int64)
    for index in range(n_points):
        taken = set(colours[nearest[index]].tolist())
        free = [colour for colour in range(len(QUALITATIVE)) if colour not in taken]
        colours[index] = min(free, key=lambda colour: counts[colour])
        counts[colours[index]] += 1
    return colours
