"""An active subspace as the flat tensors of a file, and back."""

from collections.abc import Mapping
from dataclasses import fields

from torch import Tensor

from geovq.geometry.metric.subspace import ActiveSubspace
from geovq.stored_axes import require_finite_floats

PREFIX = "subspace."
_AXES = {"mean": "D", "basis": "D A", "variances": "D", "dual": "D A", "lost_pixel_variance": ""}
_ONLY_OF_PIXEL_DIRECTIONS = {"dual", "lost_pixel_variance"}


def subspace_tensors(subspace: ActiveSubspace) -> dict[str, Tensor]:
    """Every field that there is, by its name with "subspace." before it."""
    values = {field.name: getattr(subspace, field.name) for field in fields(subspace)}
    return {f"{PREFIX}{name}": value for name, value in values.items() if value is not None}


def restored_subspace(tensors: Mapping[str, Tensor]) -> ActiveSubspace:
    """What `subspace_tensors` gave, among others; a `KeyError` names what is missing."""
    return ActiveSubspace(**{name.removeprefix(PREFIX): tensors[name] for name in subspace_axes(tensors)})


def subspace_axes(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Axes of the tensors of a subspace in a file, for `require_axes`."""
    return {
        f"{PREFIX}{name}": axes
        for name, axes in _AXES.items()
        if name not in _ONLY_OF_PIXEL_DIRECTIONS or f"{PREFIX}{name}" in tensors
    }


def require_finite_subspace(tensors: Mapping[str, Tensor]) -> None:
    """Raise `InvalidValueError` unless what cells are projected and lifted with holds finite numbers."""
    require_finite_floats(tensors, [name for name in subspace_axes(tensors) if name != f"{PREFIX}variances"])
