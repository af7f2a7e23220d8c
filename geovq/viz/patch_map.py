"""Small pictures at places of a plane, as many as do not overlap, in one image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image

from geovq.viz.arrays import Array
from geovq.viz.images import grey_tiles, png_uri
from geovq.viz.overlay import Overlay, empty_canvas, extent
from geovq.viz.palette import NEUTRAL, rgb

_FRAME = (*rgb([NEUTRAL])[0].tolist(), 255)


@dataclass(frozen=True)
class PatchMap(Overlay):
    """Pictures of codes, laid into one image over a plane.

    Attributes
    ----------
    is_drawn : array of bool of shape (K,)
        Whether there was room for the picture of a code.
    """

    is_drawn: Bool[Array, " K"]


def patch_map(
    positions: Float[Array, "K 2"], patches: Float[Array, "K h w"], first: Int[Array, " K"], side: float
) -> PatchMap:
    """Draw pictures at their places; one that would cover another is left out.

    Parameters
    ----------
    positions : array of shape (K, 2)
        Middle of each picture.
    patches : array of shape (K, h, w)
        Intensities in [0, 1].
    first : array of int of shape (K,)
        Order in which pictures are placed.
    side : float
        Height of a picture, in the unit of the positions.
    """
    low = positions.min(axis=0) - 0.75 * side
    high = positions.max(axis=0) + 0.75 * side
    canvas, pixel = empty_canvas(low, high)
    height = max(8, round(side / pixel))
    width = max(8, round(height * patches.shape[2] / patches.shape[1]))
    middles = np.stack([positions[:, 0] - low[0], high[1] - positions[:, 1]], axis=1)  # rows go down
    corners = np.rint(middles / pixel - (width / 2, height / 2)).astype(int)
    is_free, is_drawn = np.ones(canvas.shape[:2], dtype=bool), np.zeros(len(positions), dtype=bool)
    for code in first:
        column, row = corners[code]
        box = slice(max(row, 0), row + height), slice(max(column, 0), column + width)
        if is_free[box].all():
            tile = _tile(patches[code], height, width)
            canvas[box] = tile[: canvas[box].shape[0], : canvas[box].shape[1]]
            is_free[box], is_drawn[code] = False, True
    return PatchMap(png_uri(canvas), *extent(canvas, pixel, low, high), is_drawn)


def _tile(patch: Float[Array, "h w"], height: int, width: int) -> UInt8[Array, "height width 4"]:
    picture = Image.fromarray(grey_tiles(patch)).resize((width, height), Image.Resampling.NEAREST)
    tile = np.array(picture)
    tile[[0, -1]], tile[:, [0, -1]] = _FRAME, _FRAME
    return tile
