"""Quality of drawn images: Fréchet distance to real ones, classes shown, and distance to the nearest training image.

The first two take features and labels of a classifier that was trained on the same kind of images: the usual network,
trained on photographs, does not fit small drawings.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.evaluation.inputs import require_finite


@dataclass(frozen=True, eq=False)
class ClassCoverage:
    """Which classes a set of images shows, and how evenly.

    Attributes
    ----------
    counts : ndarray of shape (n_classes,), int64
        Images of each class.
    n_covered, fraction_covered : int, float
        Classes that occur at all, and their share of all classes.
    entropy_bits : float
        Of the class of an image; log2(n_classes) if all are equally frequent, 0 if there is only one.
    """

    counts: NDArray[np.int64]
    n_covered: int
    fraction_covered: float
    entropy_bits: float

    def summary(self) -> dict[str, float | int]:
        """Plain numbers for a table or a file."""
        return {
            "classes_covered": self.n_covered,
            "fraction_of_classes_covered": self.fraction_covered,
            "class_entropy_bits": self.entropy_bits,
        }


@dataclass(frozen=True, eq=False)
class NearestImages:
    """For each image, the most similar one of a reference set.

    Attributes
    ----------
    distances : ndarray of shape (n,), float64
        To the nearest reference, in units of pixel intensity (L2 over the image); 0 for a copy.
    indices : ndarray of shape (n,), int64
        Which reference that is. Of two that differ by less than about 0.01 it may be either.
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.int64]

    def summary(self) -> dict[str, float | int]:
        """Plain numbers for a table or a file."""
        return {
            "nearest_distance_mean": float(self.distances.mean()),
            "nearest_distance_min": float(self.distances.min()),
        }


def frechet_distance(first: Float[Tensor, "n f"], second: Float[Tensor, "m f"]) -> float:
    """Squared Fréchet distance of two Gaussians with the means and covariances of two sets of features.

    |mu1 - mu2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), the quantity that is reported as FID. It falls with the number of
    images even for two samples of the same distribution, so compare sets of equal sizes only.

    Parameters
    ----------
    first, second : Tensor of shape (n, F) and (m, F)
        Features, one row per image; at least two rows each. Fewer rows than features are fine.

    Returns
    -------
    float
        Non-negative, in squared units of the features.

    Raises
    ------
    ShapeError
        If the sets have no common number of features, or fewer than two rows.
    NonFiniteError
        If a feature is NaN or infinite.

    References
    ----------
    Dowson, Landau (1982), "The Fréchet distance between multivariate normal distributions"; Heusel et al. (2017), "GANs
    Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium".
    """
    (mean_1, factor_1), (mean_2, factor_2) = _moments(first, "first"), _moments(second, "second")
    if len(mean_1) != len(mean_2):
        raise ShapeError(
            f"first and second must have the same features; got {len(mean_1)} and {len(mean_2)} columns. "
            "Use one classifier for both."
        )
    # With C = R^T R, the roots of the eigenvalues of C1 C2 are the singular values of R1 R2^T: nothing is squared, and
    # no root of a matrix with eigenvalues around zero is taken.
    overlap = torch.linalg.matrix_norm(factor_1 @ factor_2.T, ord="nuc")
    spread = factor_1.square().sum() + factor_2.square().sum()  # tr C1 + tr C2
    return max(float((mean_1 - mean_2).square().sum() + spread - 2 * overlap), 0.0)


def class_coverage(labels: Int[Tensor, " n"], n_classes: int) -> ClassCoverage:
    """Count the classes of images.

    Parameters
    ----------
    labels : Tensor of shape (n,), integers
        Class of each image, in [0, n_classes), for example as a classifier sees it.
    n_classes : int

    Raises
    ------
    ShapeError
        If labels are not one row of at least one.
    InvalidValueError
        If a label is not in [0, n_classes).
    """
    values = labels.cpu().numpy()
    if values.ndim != 1 or not len(values):
        raise ShapeError(f"labels must have shape (n,) with at least one image; got {values.shape}.")
    if values.min() < 0 or values.max() >= n_classes:
        raise InvalidValueError(f"labels must be in [0, {n_classes}); got {values.min()} to {values.max()}.")
    counts = np.bincount(values, minlength=n_classes).astype(np.int64)
    shares = counts[counts > 0] / len(values)
    n_covered = len(shares)
    return ClassCoverage(counts, n_covered, n_covered / n_classes, float((shares * np.log2(1 / shares)).sum()))


def nearest_images(
    images: Float[Tensor, "n c height width"], references: Iterable[Float[Tensor, "m c height width"]]
) -> NearestImages:
    """Find the reference that is most similar to each image.

    Samples that are much closer to training images than unseen real images are were memorised.

    Parameters
    ----------
    images : Tensor of shape (n, C, h, w)
        Intensities.
    references : iterable of Tensor of shape (m, C, h, w)
        Batches of the reference set, in order; they bound the memory, and change nothing else.

    Raises
    ------
    ShapeError
        If images and references differ in shape, or there are none of either.
    """
    queries = images.cpu().flatten(start_dim=1)  # (n, P)
    least = torch.full((len(queries),), torch.inf)
    indices = torch.full((len(queries),), -1)
    nearest = torch.empty_like(queries)
    n_seen = 0
    for batch in references:
        if batch.shape[1:] != images.shape[1:]:
            raise ShapeError(
                f"images and references must have the same shape; got {tuple(images.shape[1:])} and "
                f"{tuple(batch.shape[1:])}."
            )
        rows = batch.cpu().flatten(start_dim=1)
        # |x - r|^2 without |x|^2, which is the same for all references.
        smallest, where = (rows.square().sum(dim=1) - 2 * queries @ rows.T).min(dim=1)
        closer = smallest < least
        least, nearest[closer] = torch.where(closer, smallest, least), rows[where[closer]]
        indices[closer] = where[closer] + n_seen
        n_seen += len(rows)
    if not len(queries) or not n_seen:
        raise ShapeError(f"There must be at least one image and one reference; got {len(queries)} and {n_seen}.")
    # From the pair itself: the expansion above is rounded, and would not be zero for a copy.
    distances = (queries - nearest).double().norm(dim=1)
    return NearestImages(distances.numpy(), indices.numpy())


def _moments(features: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Mean, and a factor R of the covariance R^T R with at most as many rows as there are features; float64."""
    values = features.detach().cpu().to(torch.float64)
    if values.ndim != 2 or len(values) < 2:
        raise ShapeError(
            f"{name} must have shape (n, F) with at least two rows, to have a covariance; got {tuple(values.shape)}."
        )
    require_finite(values, f"{name} features", "Was the training of the classifier stable?")
    mean = values.mean(dim=0)
    return mean, torch.linalg.qr((values - mean) / (len(values) - 1) ** 0.5, mode="r").R
