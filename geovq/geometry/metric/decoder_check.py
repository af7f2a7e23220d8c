"""A check that a decoder can be measured: eval mode, finite output, independent rows, a derivative in the open."""

from collections.abc import Iterator
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geovq.catalogue.output_geometries import OUTPUT_GEOMETRIES, OutputGeometry
from geovq.chunks import in_chunks
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.forward_mode import pushforward
from geovq.geometry.metric.subspace import require_latents, require_orthonormal

_N_PROBES = 4
_STEP = 0.1  # latent units, along a direction of standard normal numbers
_TOLERANCE = 1e-3  # of the largest pixel: a GPU in TF32 may answer a larger batch by another algorithm


@torch.no_grad()
def check_decoder(decoder: Decode, lattices: Float[Tensor, "n d h w"], *, needs_derivative: bool = True) -> None:
    """Raise unless the decoder is deterministic, finite and treats the rows of a batch independently.

    Parameters
    ----------
    decoder : callable
        (B, D, H, W) -> (B, ...).
    lattices : Tensor of shape (n, D, H, W)
        A few of them are decoded, together and one by one.
    needs_derivative : bool, default=True
        Whether a decoder that hides its derivative is refused.

    Raises
    ------
    ShapeError
        If the lattices do not have four axes, or the decoder's answer does not have one row per lattice.
    InvalidValueError
        If lattices are not float32 or float64, or the decoder is in train mode, mixes rows, has another type, or hides
        its derivative.
    DeviceError
        If the decoder is on another device than the lattices.
    NonFiniteError
        If lattices or the decoder's output contain NaN or infinity.
    """
    modules = _modules_of(decoder)
    require_latents(lattices, _device_of(modules))
    if any(part.training for module in modules for part in module.modules()):
        raise InvalidValueError("The decoder is in train mode; call .eval() on it before its metric is measured.")
    # One lattice more, so that there are two different rows even where one lattice is given.
    probe = torch.cat([lattices[:_N_PROBES], 1 - lattices[:1]])
    together = _decode_all(decoder, probe, modules, at_once=len(probe))
    if not torch.isfinite(together).all():
        raise NonFiniteError("The decoder returned NaN or infinity; load another checkpoint or train the model again.")
    alone = _decode_all(decoder, probe, modules, at_once=1)
    if not torch.allclose(together, alone, rtol=0, atol=_TOLERANCE * float(together.abs().amax())):
        raise InvalidValueError(
            "The decoder's answer to a lattice depends on the others in its batch (batch normalisation or dropout in "
            "train mode?); call .eval() on it or remove layers that mix rows."
        )
    if needs_derivative:
        _require_derivative(decoder, probe[:1])


def check_measurement(
    decoder: Decode,
    lattices: Float[Tensor, "n d h w"],
    basis: Float[Tensor, "d a"],
    output_geometry: str,
    chunk_size: int | None,
) -> OutputGeometry:
    """Check what a metric is measured with, as `check_decoder` does and more; returns the geometry of that name.

    Raises
    ------
    ShapeError
        As `check_decoder` does, and if the basis does not have one row per latent channel.
    InvalidValueError
        As `check_decoder` does, and if the geometry is unknown, the chunk size below 1 or the basis not orthonormal.
    DeviceError, NonFiniteError
        As `check_decoder` does.
    """
    if output_geometry not in OUTPUT_GEOMETRIES:
        names = " or ".join(map(repr, OUTPUT_GEOMETRIES))
        raise InvalidValueError(f"output_geometry must be {names}; got {output_geometry!r}.")
    if chunk_size is not None and chunk_size < 1:
        raise InvalidValueError(f"chunk_size must be at least 1 lattice; got {chunk_size}.")
    check_decoder(decoder, lattices)
    require_orthonormal(basis)
    if basis.shape[0] != lattices.shape[1]:
        raise ShapeError(f"basis must have {lattices.shape[1]} rows, one per latent channel; got {tuple(basis.shape)}.")
    return OUTPUT_GEOMETRIES[output_geometry]


def _require_derivative(decoder: Decode, lattice: Tensor) -> None:
    """Raise if the image changes along a direction and its derivative says that it does not."""
    direction = torch.randn(lattice.shape, generator=torch.Generator().manual_seed(0)).to(lattice)
    image, pushed = pushforward(decoder, lattice, direction)
    if pushed.any():
        return
    change = decoder(lattice + _STEP * direction) - decoder(lattice - _STEP * direction)
    if change.abs().amax() > _TOLERANCE * image.abs().amax():
        raise InvalidValueError(
            "The decoder's output changes with the lattice, but its derivative is zero; remove torch.inference_mode, "
            ".detach(), .data or rounding from it, so that PyTorch can differentiate it."
        )


def _decode_all(decoder: Decode, lattices: Tensor, modules: list[nn.Module], *, at_once: int) -> Tensor:
    def decode(part: slice) -> Tensor:
        rows = lattices[part]
        try:
            images = decoder(rows)
        except RuntimeError as error:
            _explain(modules, rows, error)
            raise
        if not isinstance(images, Tensor) or images.ndim == 0 or images.shape[0] != len(rows):
            got = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
            raise ShapeError(f"The decoder must return one row per lattice; got {got} for {len(rows)} lattices.")
        return images

    return torch.cat(list(in_chunks(decode, len(lattices), at_once, phase="probing the decoder", unit="lattices")))


def _explain(modules: list[nn.Module], lattices: Tensor, error: RuntimeError) -> None:
    """Raise an error that says so if the decoder failed because it computes in another type than the lattices have."""
    types = {weights.dtype for weights in _weights_of(modules) if weights.is_floating_point()}
    if types and lattices.dtype not in types:
        theirs, ours = (str(dtype).removeprefix("torch.") for dtype in (types.pop(), lattices.dtype))
        raise InvalidValueError(
            f"The decoder computes in {theirs} and the lattices are {ours}; convert one to the other, "
            "for example with decoder.float() and lattices.float()."
        ) from error


def _modules_of(decoder: Decode) -> list[nn.Module]:
    """The module that a decoder is, or whose method it is; none for a plain function."""
    owner = getattr(decoder, "__self__", decoder)
    return [owner] if isinstance(owner, nn.Module) else []


def _device_of(modules: list[nn.Module]) -> torch.device | None:
    """Where the decoder is, if it is a module on one device."""
    devices = {weights.device for weights in _weights_of(modules)}
    return devices.pop() if len(devices) == 1 else None


def _weights_of(modules: list[nn.Module]) -> Iterator[Tensor]:
    return chain.from_iterable(chain(module.parameters(), module.buffers()) for module in modules)
