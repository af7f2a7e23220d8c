"""Images in the coordinates of a plane: thousands of pictures or dots in one image are drawn as fast as one mark."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8

from geovq.viz.arrays import Array
from geovq.viz.images import png_uri

_CANVAS = 900  # pixels of the longer side of an image


@dataclass(frozen=True)
class Overlay:
    """One image in a plane.

    Attributes
    ----------
    uri : str
        Data URI of a PNG.
    low, high : arrays of shape (2,)
        Corners in the plane.
    """

    uri: str
    low: Float[Array, "2"]
    high: Float[Array, "2"]

    def lay_over(self, figure: go.Figure, *, suffix: str = "") -> None:
        """Put the image on the axes x{suffix} and y{suffix} of a figure, above all marks and lines."""
        self._lay(figure, suffix, "above")

    def lay_under(self, figure: go.Figure, *, suffix: str = "") -> None:
        """Put the image on the axes x{suffix} and y{suffix} of a figure, beneath all marks and lines."""
        self._lay(figure, suffix, "below")

    def _lay(self, figure: go.Figure, suffix: str, layer: str) -> None:
        width, height = (self.high - self.low).tolist()
        figure.add_layout_image(
            source=self.uri,
            xref=f"x{suffix}",
            yref=f"y{suffix}",
            x=float(self.low[0]),
            y=float(self.high[1]),
            sizex=width,
            sizey=height,
            sizing="stretch",
            layer=layer,
        )


def empty_canvas(low: Float[Array, "2"], high: Float[Array, "2"]) -> tuple[UInt8[Array, "rows columns 4"], float]:
    """A transparent picture of the box from `low` to `high`, its first row at the top; and the side of its pixels."""
    pixel = float((high - low).max()) / _CANVAS
    n_columns, n_rows = np.ceil((high - low) / pixel).astype(int)
    return np.zeros((n_rows, n_columns, 4), dtype=np.uint8), pixel


def extent(
    canvas: UInt8[Array, "rows columns 4"], pixel: float, low: Float[Array, "2"], high: Float[Array, "2"]
) -> tuple[Float[Array, "2"], Float[Array, "2"]]:
    """Corners of a picture from `empty_canvas`: whole pixels, so it reaches a little outside."""
    n_rows, n_columns, _ = canvas.shape
    return np.array([low[0], high[1] - pixel * n_rows]), np.array([low[0] + pixel * n_columns, high[1]])


def painted_dots(
    positions: Float[Array, "N 2"], colours: UInt8[Array, "#N 3"], *, size: float, opacity: float
) -> Overlay:
    """Dots without hover texts; where several overlap, the last colour is seen, the more opaque the more there are.

    Parameters
    ----------
    positions : array of shape (N, 2)
    colours : array of uint8 of shape (N, 3), or (1, 3) for all
    size : float
        Diameter of a dot as a share of the longer side of the cloud.
    opacity : float
        Of a single dot, in (0, 1].
    """
    margin = size * max(float(np.ptp(positions, axis=0).max()), 1e-6)
    low, high = positions.min(axis=0) - margin, positions.max(axis=0) + margin
    canvas, pixel = empty_canvas(low, high)
    n_dots = np.zeros(canvas.shape[:2], dtype=np.int32)
    columns = ((positions[:, 0] - low[0]) / pixel).astype(int)
    rows = ((high[1] - positions[:, 1]) / pixel).astype(int)
    radius = max(0.5 * margin / pixel, 1.0)
    reach = np.arange(-int(radius), int(radius) + 1)
    for dy, dx in ((dy, dx) for dy in reach for dx in reach if dx * dx + dy * dy <= radius * radius):
        place = rows + dy, columns + dx
        canvas[(*place, slice(0, 3))] = colours
        np.add.at(n_dots, place, 1)
    canvas[..., 3] = np.rint(255 * (1 - (1 - opacity) ** n_dots))
    return Overlay(png_uri(canvas), *extent(canvas, pixel, low, high))
