"""Images in the coordinates of a plane: pictures or thousands of dots, which browsers draw as fast as one mark."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8

from geovq.viz.arrays import Array
from geovq.viz.images import png_uri

CANVAS = 900  # pixels of the longer side of an image


@dataclass(frozen=True)
class Overlay:
    """One image in a plane.

    uri : of the image, a PNG; low, high : (2,), its corners in the plane.
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


def painted_dots(
    positions: Float[Array, "N 2"], colours: UInt8[Array, "#N 3"], *, size: float, opacity: float
) -> Overlay:
    """Dots that nobody points at; where several lie on each other the last is seen, the more opaque the more there are.

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
    pixel = float((high - low).max()) / CANVAS
    n_columns, n_rows = np.ceil((high - low) / pixel).astype(int)
    columns, rows = np.floor((positions[:, 0] - low[0]) / pixel), np.floor((high[1] - positions[:, 1]) / pixel)
    radius = max(0.5 * margin / pixel, 1.0)
    canvas, n_dots = np.zeros((n_rows, n_columns, 4), dtype=np.uint8), np.zeros((n_rows, n_columns), dtype=np.int32)
    reach = np.arange(-int(radius), int(radius) + 1)
    for dy, dx in ((dy, dx) for dy in reach for dx in reach if dx * dx + dy * dy <= radius * radius):
        place = rows.astype(int) + dy, columns.astype(int) + dx
        canvas[(*place, slice(0, 3))] = colours
        np.add.at(n_dots, place, 1)
    canvas[..., 3] = np.rint(255 * (1 - (1 - opacity) ** n_dots))
    corner = np.array([low[0] + pixel * n_columns, high[1] - pixel * n_rows])  # whole pixels: a little outside
    return Overlay(png_uri(canvas), np.array([low[0], corner[1]]), np.array([corner[0], high[1]]))
