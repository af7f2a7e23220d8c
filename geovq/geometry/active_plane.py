"""The plane of the two strongest latent directions, and the metric that a decoder pulls back to it.

With two active directions the plane is the whole active subspace. With more, points are projected to it, and the metric
is that of steps within the plane: G's first two rows and columns. The metric of a place is the mean over the nearest
cells, as that of a landmark is; here nearest in the plane.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float, Float32
from scipy.spatial import cKDTree

from geovq.arrays import DoubleArray, FloatArray
from geovq.errors import InvalidValueError
from geovq.geometry.latent_geometry import LatentGeometry, context_average
from geovq.geometry.metric.field_summary import FieldSummary, summarise_field

BoolArray: TypeAlias = npt.NDArray[np.bool_]

_REACH = 3.0  # a place of the map is empty if its nearest cell is further away than this many steps of the map
_ELLIPSE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 41)), np.sin(np.linspace(0, 2 * np.pi, 41))])  # (2, 41)
_FILL, _TYPICAL = 0.42, 0.4  # share of the spacing that an ellipse may fill, and share of ellipses that fit unclipped


@dataclass(frozen=True)
class PlaneField:
    """Metric of the plane on a regular map.

    Attributes
    ----------
    x, y : arrays of shape (nx,), (ny,)
        Coordinates along the strongest and the second strongest direction, latent units.
    summary : FieldSummary
        Of the 2 by 2 metric at every place, (ny, nx).
    covered : array of shape (ny, nx)
        Whether cells of real images lie near; elsewhere the field is not known.
    """

    x: Float32[FloatArray, " nx"]
    y: Float32[FloatArray, " ny"]
    summary: FieldSummary
    covered: Bool[BoolArray, "ny nx"]

    @property
    def log10_magnification(self) -> Float[DoubleArray, "ny nx"]:
        """log10 of how much the decoder enlarges a small patch of the plane; NaN where nothing is known."""
        magnification: DoubleArray = np.where(self.covered, self.summary.log10_magnification.numpy(), np.nan)
        return magnification

    @property
    def median_anisotropy(self) -> float:
        """Median over covered places of the anisotropy: strongest over weakest change of the image."""
        return float(np.median(self.summary.anisotropy.numpy()[self.covered]))


def plane_points(geometry: LatentGeometry) -> Float32[FloatArray, "n 2"]:
    """Landmarks in the plane, latent units.

    Raises
    ------
    InvalidValueError
        If only one direction is active: there is no plane then.
    """
    _require_plane(geometry)
    points: FloatArray = geometry.sample.landmarks[:, :2].numpy()
    return points


def plane_field(geometry: LatentGeometry, *, n_context: int = 32, resolution: int = 90) -> PlaneField:
    """Metric of the plane on a regular map over all sampled cells.

    Parameters
    ----------
    geometry : LatentGeometry
    n_context : int, default=32
        Cells over which the metric of a place is averaged, as for landmarks.
    resolution : int, default=90
        Places along the longer side.

    Raises
    ------
    InvalidValueError
        If only one direction is active.
    """
    _require_plane(geometry)
    cells = np.ascontiguousarray(geometry.sample.subspace.project(geometry.sample.cells)[:, :2].numpy())
    metrics = np.ascontiguousarray(geometry.cell_metrics[:, :2, :2].numpy())
    low, high = cells.min(axis=0), cells.max(axis=0)
    step = float((high - low).max()) / (resolution - 1)
    x, y = (np.arange(low[i], high[i] + step, step, dtype=np.float32) for i in range(2))
    places = np.stack(np.meshgrid(x, y), axis=-1)  # (ny, nx, 2)
    flat = places.reshape(-1, 2)
    averaged = context_average(metrics, cells, flat, n_context).reshape(*places.shape[:2], 2, 2)
    covered = cKDTree(cells).query(flat)[0].reshape(places.shape[:2]) <= _REACH * step
    return PlaneField(x, y, summarise_field(torch.from_numpy(averaged)), covered)


def indicatrices(field: PlaneField, *, n_across: int = 11) -> tuple[Float[DoubleArray, "m points 2"], float]:
    """Ellipses of steps that change the image equally, on a coarse grid.

    Parameters
    ----------
    field : PlaneField
    n_across : int, default=11
        Ellipses along the longer side; those in empty places are left out.

    Returns
    -------
    (array of shape (m, 41, 2), float)
        Closed outlines, and the pixel distance (L2) that each of their steps goes. Ellipses too long for the grid,
        where the image hardly changes, are cut to its spacing.
    """
    stride = max(1, -(-max(len(field.x), len(field.y)) // n_across))
    rows, columns = (slice(stride // 2, None, stride) for _ in range(2))
    kept = field.covered[rows, columns]
    centres = np.stack(np.meshgrid(field.x[columns], field.y[rows]), axis=-1)[kept].astype(np.float64)  # (m, 2)
    stretches = field.summary.stretches.numpy()[rows, columns][kept]  # (m, 2), strongest first
    directions = field.summary.directions.numpy()[rows, columns][kept]  # (m, 2, 2), in columns
    longest = _FILL * stride * float(field.x[1] - field.x[0])
    distance = longest * float(np.quantile(stretches[:, 1], _TYPICAL)) if len(stretches) else 0.0
    half_axes = np.minimum(distance / stretches, longest)
    steps: DoubleArray = np.einsum("mij,mj,jt->mti", directions, half_axes, _ELLIPSE)
    return centres[:, None, :] + steps, distance


def _require_plane(geometry: LatentGeometry) -> None:
    if geometry.sample.subspace.n_active < 2:
        raise InvalidValueError(
            "Only one latent direction of this run is active, so its latent space is a line and has no plane to show. "
            "Lower geometry.residual_variance, or vae.beta, to keep more directions."
        )
