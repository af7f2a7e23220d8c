"""What the arrays of a file must be to each other before kernels, which check nothing, read them.

Axes are named by letters, as in the shapes of docstrings: one letter has one size in all arrays of a file.
"""

from collections.abc import Mapping

from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError


def require_axes(tensors: Mapping[str, Tensor], axes: Mapping[str, str]) -> dict[str, int]:
    """Size of every axis; tensors that are not there are a `KeyError`.

    Parameters
    ----------
    tensors : mapping of str to Tensor
    axes : mapping of str to str
        The axes of each, such as "N A A".

    Raises
    ------
    ShapeError
        If a tensor has another number of axes, or an axis another size than elsewhere.
    """
    sizes: dict[str, int] = {}
    for name, letters in axes.items():
        shape, names = tuple(tensors[name].shape), letters.split()
        expected = [sizes.setdefault(letter, size) for letter, size in zip(names, shape, strict=False)]
        if len(shape) != len(names) or tuple(expected) != shape:
            known = ", ".join(f"{letter} = {size}" for letter, size in sizes.items())
            raise ShapeError(f"{name} must have shape ({', '.join(names)}), where {known}; got {shape}")
    return sizes


def require_indices(tensors: Mapping[str, Tensor], limits: Mapping[str, int]) -> None:
    """Raise `InvalidValueError` unless each named tensor holds integers from 0 to below its limit."""
    for name, limit in limits.items():
        values = tensors[name]
        if values.dtype.is_floating_point or values.dtype.is_complex:
            raise InvalidValueError(f"{name} must hold integers; got {values.dtype}")
        if values.numel() and not 0 <= int(values.min()) <= int(values.max()) < limit:
            raise InvalidValueError(f"{name} must be in [0, {limit}); got {int(values.min())} to {int(values.max())}")


def require_finite_floats(tensors: Mapping[str, Tensor], names: list[str]) -> None:
    """Raise `InvalidValueError` unless each named tensor holds finite floating-point numbers."""
    for name in names:
        values = tensors[name]
        if not values.dtype.is_floating_point:
            raise InvalidValueError(f"{name} must hold floating-point numbers; got {values.dtype}")
        if not values.isfinite().all():
            raise InvalidValueError(f"{name} holds NaN or infinity")
