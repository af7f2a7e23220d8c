"""Images that a prior completed; the given part is framed in every picture."""

from collections.abc import Sequence

import plotly.graph_objects as go
from jaxtyping import Float

from geovq.viz.arrays import Array
from geovq.viz.images import grey_tiles, in_rows, mosaic_figure
from geovq.viz.palette import QUALITATIVE

_GIVEN = QUALITATIVE[1]


def completion_figure(
    images: Float[Array, "n h w"], names: Sequence[str], share_given: float, *, n_columns: int, tile_size: int = 82
) -> go.Figure:
    """Pictures in rows of `n_columns`, each with a frame around the part from above that was given.

    Parameters
    ----------
    images : ndarray of shape (n, h, w)
        Intensities in [0, 1].
    names : sequence of str
        Written above the pictures; may be fewer than these.
    share_given : float
        Part of the height that was given, in [0, 1].
    """
    n, h, w = images.shape
    tiles = in_rows(grey_tiles(images), n_columns)
    gap = max(2, round(h / 3))  # as `mosaic_figure` leaves it for names
    labels = [*names, *[""] * (n - len(names))]
    figure = mosaic_figure(tiles, tile_labels=labels, tile_size=tile_size)
    for index in range(n if share_given > 0 else 0):
        row, column = divmod(index, n_columns)
        left, top = column * (w + 1) - 0.5, row * (h + gap) + gap - 0.5
        figure.add_shape(
            type="rect",
            x0=left,
            x1=left + w,
            y0=top,
            y1=top + share_given * h,
            line={"color": _GIVEN, "width": 2},
        )
    return figure
