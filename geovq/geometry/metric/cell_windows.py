"""What each cell changes at one layer of a decoder, as windows of equal size that move with the cells."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class CellWindows:
    """Changes of a layer's activations, for every cell and direction on its own.

    Attributes
    ----------
    values : Tensor of shape (n, H, W, A, s, t, C)
        Window of s rows and t columns.
    stride, offset : (int, int)
        Rows and columns: the window of cell (i, j) begins at `i * stride + offset`, in the coordinates of the layer. It
        may reach beyond the layer's edges, where it means nothing.
    """

    values: Float[Tensor, "n h w a s t c"]
    stride: tuple[int, int] = (1, 1)
    offset: tuple[int, int] = (0, 0)

    @classmethod
    def of_cells(cls, basis: Float[Tensor, "d a"], lattices: Float[Tensor, "n d h w"]) -> Self:
        """Steps of one unit along each direction, in the type of the basis."""
        (n, d, height, width), a = lattices.shape, basis.shape[1]
        return cls(basis.T[:, None, None].expand(n, height, width, a, 1, 1, d))

    def with_values(self, values: Float[Tensor, "n h w a s t c"]) -> "CellWindows":
        """Other changes at the same places."""
        return replace(self, values=values)

    def as_batch(self) -> Float[Tensor, "m c s t"]:
        """Every window as an image of its own."""
        return self.values.flatten(0, 3).permute(0, 3, 1, 2)

    def from_batch(
        self, images: Float[Tensor, "m c s t"], stride: tuple[int, int], offset: tuple[int, int]
    ) -> "CellWindows":
        """Inverse of `as_batch` for windows of another layer."""
        channels_last = images.permute(0, 2, 3, 1)
        values = channels_last.reshape(*self.values.shape[:4], *channels_last.shape[1:])
        return CellWindows(values, stride, offset)

    def seen_from(self, larger: "CellWindows") -> Float[Tensor, "n h w a s2 t2 c"]:
        """The same changes in windows around these, of the same layer."""
        top, left = self.offset[0] - larger.offset[0], self.offset[1] - larger.offset[1]
        bottom = larger.values.shape[4] - self.values.shape[4] - top
        right = larger.values.shape[5] - self.values.shape[5] - left
        return F.pad(self.values, (0, 0, left, right, top, bottom))

    def cut_from(self, layer: Float[Tensor, "n c rows columns"]) -> Float[Tensor, "n h w 1 s t c"]:
        """What a layer holds inside every window; zeros beyond its edges."""
        (_, height, width, _, s, t, _), (down, right) = self.values.shape, self.stride
        top, left = self.offset
        bottom_edge = (height - 1) * down + top + s - layer.shape[2]
        right_edge = (width - 1) * right + left + t - layer.shape[3]
        framed = F.pad(layer.permute(0, 2, 3, 1), (0, 0, -left, right_edge, -top, bottom_edge))
        return framed.unfold(1, s, down).unfold(2, t, right).permute(0, 1, 2, 4, 5, 3)[:, :, :, None]

    def places(self, masks: Bool[Tensor, "l p"], image_shape: tuple[int, ...]) -> Int64[Tensor, "l p"]:
        """Place of every pixel in the window of every cell, (s, t, C) flattened; -1 outside of window or mask.

        Parameters
        ----------
        masks : Tensor of shape (H * W, P)
            Pixels that each cell can change.
        image_shape : (C, rows, columns)
        """
        (_, _, width, _, s, t, n_channels), device = self.values.shape, masks.device
        channel, row, column = torch.meshgrid(
            *(torch.arange(size, device=device) for size in image_shape), indexing="ij"
        )
        cells = torch.arange(len(masks), device=device)[:, None]
        rows = row.flatten() - (cells // width * self.stride[0] + self.offset[0])  # (L, P)
        columns = column.flatten() - (cells % width * self.stride[1] + self.offset[1])
        inside = masks & (rows >= 0) & (rows < s) & (columns >= 0) & (columns < t)
        return torch.where(inside, (rows * t + columns) * n_channels + channel.flatten(), -1)
