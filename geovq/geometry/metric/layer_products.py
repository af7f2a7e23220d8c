"""Derivatives of a decoder layer by layer, for every cell inside the window that it can change.

A product of the whole decoder carries a tangent through every pixel of every layer, though one cell in nine is set and
most of a layer is zero. Where a decoder says of which layers it consists, and they are convolutions and functions of
single numbers, the same numbers follow from the windows alone: a quarter of the arithmetic for the decoders here, and
any cells at once. What a decoder says is believed if its products agree.

Source: Griewank, Walther (2008), "Evaluating Derivatives", chapters 3 (forward mode) and 7 (sparse Jacobians).
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geovq.geometry.metric.cell_windows import CellWindows
from geovq.geometry.metric.convolved_windows import push_convolution, push_transposed
from geovq.geometry.metric.footprint import Decode

_OF_SINGLE_NUMBERS = (nn.SiLU, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.Softplus, nn.Tanh, nn.Sigmoid, nn.Identity)


@runtime_checkable
class Layered(Protocol):
    """An autoencoder whose `decode` is a chain of layers."""

    def decode(self, lattices: Tensor) -> Tensor:
        """Pixel means."""

    def decode_layers(self) -> Sequence[nn.Module]:
        """Layers that give `decode` one after the other."""


@runtime_checkable
class Residual(Protocol):
    """A layer that adds to its input what a chain of layers makes of it."""

    def residual_branch(self) -> Sequence[nn.Module]:
        """The chain."""


def known_layers(decoder: Decode) -> tuple[nn.Module, ...] | None:
    """Layers of a decoder that this module can differentiate; None if there is any other.

    A decoder is an `nn.Sequential`, or the method `decode` of something `Layered`.
    """
    owner = getattr(decoder, "__self__", None)
    if isinstance(owner, Layered) and decoder == owner.decode:
        layers = tuple(owner.decode_layers())
    elif type(decoder) is nn.Sequential:
        layers = tuple(decoder)
    else:
        return None
    return layers if all(map(_is_known, layers)) else None


@torch.no_grad()
def push_cells(
    layers: Sequence[nn.Module], lattices: Float[Tensor, "n d h w"], basis: Float[Tensor, "d a"], dtype: torch.dtype
) -> tuple[Float[Tensor, "n c rows columns"], CellWindows]:
    """Decoded lattices, and what a unit step of each cell along each direction changes in them.

    Parameters
    ----------
    layers : sequence of Modules
        As `known_layers` returns them.
    lattices : Tensor of shape (n, D, H, W)
    basis : Tensor of shape (D, A)
    dtype : torch.dtype
        Of the changes; lattices are decoded in their own.
    """
    windows = CellWindows.of_cells(basis.to(dtype), lattices)
    images, windows, _ = _push(layers, lattices, windows, True)
    return images, windows


def _is_known(layer: nn.Module) -> bool:
    if isinstance(layer, Residual):
        return all(map(_is_known, layer.residual_branch()))
    if type(layer) is nn.Conv2d:
        return layer.stride == (1, 1) and layer.padding_mode == "zeros" and _is_plain(layer)
    if type(layer) is nn.ConvTranspose2d:
        return _is_plain(layer)
    return type(layer) in _OF_SINGLE_NUMBERS and not getattr(layer, "inplace", False)


def _is_plain(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    return layer.dilation == (1, 1) and layer.groups == 1 and not isinstance(layer.padding, str)


def _push(
    layers: Sequence[nn.Module], x: Tensor, windows: CellWindows, inside: bool
) -> tuple[Tensor, CellWindows, bool]:
    """Activations and windows after the layers, and whether the windows are zero beyond the edges, as before them."""
    for place, layer in enumerate(layers):
        if isinstance(layer, Residual):
            added, changes, branch_inside = _push(layer.residual_branch(), x, windows, inside)
            x, inside = x + added, inside and branch_inside
            windows = changes.with_values(changes.values.add_(windows.seen_from(changes)))
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            if layer.kernel_size != (1, 1) and not inside:
                windows = windows.with_values(windows.values * windows.cut_from(torch.ones_like(x[:1, :1])))
            if isinstance(layer, nn.Conv2d):
                windows = push_convolution(layer, windows)
            else:
                windows = push_transposed(layer, windows)
            x, inside = layer(x), inside and layer.kernel_size == (1, 1)
        else:
            y, slope = _with_slope(layer, x)
            factor = windows.cut_from(slope.to(windows.values.dtype))
            # In place, except where a residual block still needs what came in.
            windows = windows.with_values(windows.values.mul_(factor) if place else windows.values * factor)
            x, inside = y, True
    return x, windows, inside


def _with_slope(layer: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """A function of single numbers and its derivative."""
    with torch.enable_grad():
        point = x.detach().requires_grad_()
        y = layer(point)
        (slope,) = torch.autograd.grad(y.sum(), point)
    return y.detach(), slope
