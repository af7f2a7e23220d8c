"""Convolutions of windows: every pixel that a window reaches is in the window after the layer."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from geovq.errors import InvalidValueError
from geovq.geometry.metric.cell_windows import CellWindows

_FEW_CHANNELS = 4  # of an image; float32 convolutions on a CPU compute sixteen at least


def push_convolution(layer: nn.Conv2d, windows: CellWindows) -> CellWindows:
    """Windows after a convolution of stride 1, without its bias."""
    weight = layer.weight.to(windows.values.dtype)
    rows, columns = weight.shape[2:]
    down, right = _padding_of(layer)
    offset = (windows.offset[0] + down - rows + 1, windows.offset[1] + right - columns + 1)
    if (rows, columns) == (1, 1):
        return CellWindows(F.linear(windows.values, weight.flatten(1)), windows.stride, offset)
    if len(weight) <= _FEW_CHANNELS and weight.dtype != torch.bfloat16:
        reached = _to_few_channels(windows.values.flatten(0, 3), weight)
    else:
        reached = F.conv2d(windows.as_batch(), weight, padding=(rows - 1, columns - 1))
    return windows.from_batch(reached, windows.stride, offset)


def push_transposed(layer: nn.ConvTranspose2d, windows: CellWindows) -> CellWindows:
    """Windows after a transposed convolution, without its bias."""
    weight = layer.weight.to(windows.values.dtype)
    if windows.values.shape[4:6] == (1, 1):  # one number for each channel: a product of matrices
        kernel = weight.permute(2, 3, 1, 0)  # (s, t, C, D)
        flat = F.linear(windows.values.flatten(0, 5), kernel.flatten(0, 2))
        reached = flat.reshape(-1, *kernel.shape[:3]).permute(0, 3, 1, 2)
    else:
        reached = _by_phases(windows.as_batch(), weight, (layer.stride[0], layer.stride[1]))
    (top, left), padding = windows.offset, _padding_of(layer)
    stride = (windows.stride[0] * layer.stride[0], windows.stride[1] * layer.stride[1])
    offset = (top * layer.stride[0] - padding[0], left * layer.stride[1] - padding[1])
    return windows.from_batch(reached, stride, offset)


def _padding_of(layer: nn.Conv2d | nn.ConvTranspose2d) -> tuple[int, int]:
    """Rows and columns of zeros around the input, which a layer may also give as a word, "same" or "valid".

    Raises
    ------
    InvalidValueError
        If it is a word.
    """
    if isinstance(layer.padding, str):
        raise InvalidValueError(f"padding must be numbers of pixels; got {layer.padding!r}.")
    return layer.padding[0], layer.padding[1]


def _to_few_channels(values: Float[Tensor, "m s t c"], weight: Float[Tensor, "k c u v"]) -> Float[Tensor, "m k s2 t2"]:
    """Each pixel's share in the pixels around it by one product, then summed up."""
    (m, s, t, n_inputs), (n_outputs, _, rows, columns) = values.shape, weight.shape
    shares = weight.permute(2, 3, 0, 1).flatten(0, 2) @ values.reshape(-1, n_inputs).T
    by_step = shares.reshape(rows, columns, n_outputs, m, s, t)
    reached = values.new_zeros(n_outputs, m, s + rows - 1, t + columns - 1)
    for row in range(rows):
        for column in range(columns):
            top, left = rows - 1 - row, columns - 1 - column
            reached[:, :, top : top + s, left : left + t] += by_step[row, column]
    return reached.transpose(0, 1)


def _by_phases(
    images: Float[Tensor, "m d s t"], weight: Float[Tensor, "d c u v"], stride: tuple[int, int]
) -> Float[Tensor, "m c s2 t2"]:
    """A transposed convolution without padding, as a convolution whose channels are the pixels between two inputs.

    Source: Shi et al. (2016), "Is the deconvolution layer the same as a convolutional layer?"
    """
    (n_inputs, n_outputs, rows, columns), (down, right) = weight.shape, stride
    taps = (-(-rows // down), -(-columns // right))
    whole = F.pad(weight, (0, taps[1] * right - columns, 0, taps[0] * down - rows))
    split = whole.reshape(n_inputs, n_outputs, taps[0], down, taps[1], right)
    kernel = split.permute(3, 5, 1, 0, 2, 4).flip(4, 5).flatten(0, 2)  # (down * right * C, D, taps)
    phases = F.conv2d(images, kernel.contiguous(memory_format=torch.channels_last), padding=(taps[0] - 1, taps[1] - 1))
    height, width = phases.shape[2:]
    by_phase = phases.permute(0, 2, 3, 1).reshape(-1, height, width, down, right, n_outputs)
    pixels = by_phase.transpose(2, 3).reshape(-1, height * down, width * right, n_outputs)
    reached = ((images.shape[2] - 1) * down + rows, (images.shape[3] - 1) * right + columns)
    return pixels[:, : reached[0], : reached[1]].permute(0, 3, 1, 2)
