"""Which codes images of which class use."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from geovq.errors import InvalidValueError, ShapeError
from geovq.evaluation.inputs import Tokens, checked_tokens


@dataclass(frozen=True, eq=False)
class ClassUsage:
    """Counts of the codes by class.

    Attributes
    ----------
    counts : ndarray of shape (n_classes, K), int64
        How often each code occurs in images of each class.
    n_images : ndarray of shape (n_classes,), int64
    """

    counts: NDArray[np.int64]
    n_images: NDArray[np.int64]

    @property
    def preference_bits(self) -> Float[NDArray[np.float64], "c k"]:
        """log2 of a code's share in a class over its share in all images; -inf for 0 in the class, NaN for 0 in all."""
        overall = self.counts.sum(axis=0) / self.counts.sum()  # (K,)
        totals = self.counts.sum(axis=1, keepdims=True)
        ratio = np.full(self.counts.shape, np.nan)
        np.divide(self.counts, totals * overall, out=ratio, where=(totals * overall) > 0)
        bits = np.full(self.counts.shape, -np.inf)
        np.log2(ratio, out=bits, where=~(ratio == 0))
        return bits

    @property
    def information_bits(self) -> float:
        """Mutual information of a token and the class of its image."""
        used = self.counts > 0
        shares = self.counts[used] / self.counts.sum()
        return float((shares * self.preference_bits[used]).sum())


def class_usage(tokens: Tokens, labels: Int[NDArray[np.int64], " n"], n_codes: int, n_classes: int) -> ClassUsage:
    """Count the codes of every class.

    Parameters
    ----------
    tokens : Tensor or ndarray of shape (n, H, W), integers
        Codes in [0, n_codes).
    labels : ndarray of shape (n,), integers
        Class of each image, in [0, n_classes).
    n_codes, n_classes : int

    Raises
    ------
    ShapeError
        If there is not one label per image.
    InvalidValueError
        If tokens or labels are out of range.
    """
    values = checked_tokens(tokens, n_codes).numpy()
    if labels.shape != (len(values),):
        raise ShapeError(f"labels must have one entry per image, ({len(values)},); got {labels.shape}.")
    if labels.min() < 0 or labels.max() >= n_classes:
        raise InvalidValueError(f"labels must be in [0, {n_classes}); got {labels.min()} to {labels.max()}.")
    keys = labels[:, None] * n_codes + values.reshape(len(values), -1)
    counts = np.bincount(keys.ravel(), minlength=n_classes * n_codes).reshape(n_classes, n_codes)
    return ClassUsage(counts.astype(np.int64), np.bincount(labels, minlength=n_classes).astype(np.int64))
