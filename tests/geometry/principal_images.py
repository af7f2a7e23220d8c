"""How the image at one latent point changes along the principal directions of its metric.

The Jacobian is taken at the point itself, by one product per direction; `metric_tensors` is checked against it.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from geovq.geometry.curves.curve import DecodePoints
from geovq.geometry.metric.field_summary import FieldSummary, summarise_field


class PrincipalImages(NamedTuple):
    """Metric at one point, and the images of its directions (A, ...), strongest first; their L2 norm is the stretch."""

    summary: FieldSummary
    images: Tensor


def principal_images(decode: DecodePoints, point: Tensor) -> PrincipalImages:
    """Columns of the Jacobian at a point (A,), turned to the axes of the metric."""
    columns = pushed_images(decode, point, torch.eye(len(point), dtype=point.dtype))
    flat = columns.flatten(start_dim=1).double()  # (A, P)
    summary = summarise_field((flat @ flat.T).to(point.dtype))
    return PrincipalImages(summary, (summary.directions.T @ flat).to(columns).reshape(columns.shape))


@torch.no_grad()
def pushed_images(decode: DecodePoints, point: Tensor, directions: Tensor) -> Tensor:
    """Change of the image at a point (A,) per latent unit along each column of `directions` (A, M): (M, ...)."""

    def push(direction: Tensor) -> Tensor:
        return torch.func.jvp(decode, (point[None],), (direction[None],))[1][0]

    return torch.func.vmap(push)(directions.T.to(point))
