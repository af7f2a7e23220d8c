"""How alike two images are in local brightness, contrast and structure.

Source: Wang, Bovik, Sheikh, Simoncelli (2004), "Image Quality Assessment: From Error Visibility to Structural
Similarity", with their window (Gaussian, 11 by 11, deviation 1.5), constants and treatment of the border: only windows
that lie within the image count.
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from geovq.evaluation.inputs import require_same_shape

WINDOW_SIDE = 11  # pixels
WINDOW_DEVIATION = 1.5
# (K1 L)^2 and (K2 L)^2 of the paper for intensities in [0, 1], L = 1: they keep flat regions from dividing by zero.
BRIGHTNESS_FLOOR = 0.01**2
CONTRAST_FLOOR = 0.03**2


def structural_similarity(
    first: Float[Tensor, "n c height width"], second: Float[Tensor, "n c height width"]
) -> Float64[Tensor, " n"]:
    """SSIM of each pair of images.

    Parameters
    ----------
    first, second : Tensor of shape (n, C, h, w)
        Intensities in [0, 1].

    Returns
    -------
    Tensor of shape (n,), float64, on the CPU
        Mean over windows and channels, at most 1, which equal images reach; NaN if a side has fewer than 11 pixels,
        where no window fits.

    Raises
    ------
    ShapeError
        If the shapes differ or there is no image.
    """
    require_same_shape(first, second, ("first", "second"))
    x, y = first.cpu().to(torch.float64), second.cpu().to(torch.float64)  # not every device has float64
    if min(x.shape[2:]) < WINDOW_SIDE:
        return torch.full((len(x),), torch.nan, dtype=torch.float64)
    rows, columns = (_windows(n_pixels) for n_pixels in x.shape[2:])

    def local_mean(values: Tensor) -> Tensor:
        return rows @ values @ columns.T  # (n, C, h - 10, w - 10); two products, since the window is separable

    mean_x, mean_y = local_mean(x), local_mean(y)
    variance_x, variance_y = local_mean(x * x) - mean_x.square(), local_mean(y * y) - mean_y.square()
    covariance = local_mean(x * y) - mean_x * mean_y
    brightness = (2 * mean_x * mean_y + BRIGHTNESS_FLOOR) / (mean_x.square() + mean_y.square() + BRIGHTNESS_FLOOR)
    structure = (2 * covariance + CONTRAST_FLOOR) / (variance_x + variance_y + CONTRAST_FLOOR)
    return (brightness * structure).flatten(start_dim=1).mean(dim=1)


def _windows(n_pixels: int) -> Tensor:
    """Weights of every window along one axis, (n_pixels - 10, n_pixels)."""
    n_windows = n_pixels - WINDOW_SIDE + 1
    offsets = torch.arange(WINDOW_SIDE, dtype=torch.float64) - WINDOW_SIDE // 2
    weights = torch.exp(-0.5 * (offsets / WINDOW_DEVIATION).square())
    windows = torch.zeros(n_windows, n_pixels, dtype=torch.float64)
    for start in range(n_windows):
        windows[start, start : start + WINDOW_SIDE] = weights / weights.sum()
    return windows
