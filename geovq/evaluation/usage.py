"""Which codes a tokenizer uses, how evenly, and where in the lattice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geovq.evaluation.inputs import Tokens, checked_tokens


@dataclass(frozen=True, eq=False)
class TokenUsage:
    """Counts of the codes, overall and per position of the lattice.

    Entropies are those of the observed frequencies, which lie below the true ones when there are few tokens per code.

    Attributes
    ----------
    n_images : int
    counts : ndarray of shape (K,), int64
        How often each code occurs.
    probabilities : ndarray of shape (K,), float64
        Its share of all tokens.
    n_used, fraction_used : int, float
        Codes that occur at all, and their share of the K.
    entropy_bits : float
        Bits per token of the best code that ignores context: the rate of the tokenizer.
    perplexity : float
        2 ** entropy_bits, the number of equally frequent codes with that entropy.
    position_entropy_bits : ndarray of shape (H, W), float64
        Entropy of the tokens at one position, over images.
    position_used : ndarray of shape (H, W), int64
        Codes that occur at one position.
    position_mode : ndarray of shape (H, W), int64
        Most frequent code there; the lowest one of equals.
    """

    n_images: int
    counts: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    n_used: int
    fraction_used: float
    entropy_bits: float
    perplexity: float
    position_entropy_bits: NDArray[np.float64]
    position_used: NDArray[np.int64]
    position_mode: NDArray[np.int64]

    def summary(self) -> dict[str, float | int]:
        """Plain numbers for a table or a file."""
        return {
            "n_images": self.n_images,
            "n_codes": len(self.counts),
            "n_used": self.n_used,
            "fraction_used": self.fraction_used,
            "entropy_bits": self.entropy_bits,
            "perplexity": self.perplexity,
            "mean_position_entropy_bits": float(self.position_entropy_bits.mean()),
        }


def token_usage(tokens: Tokens, n_codes: int) -> TokenUsage:
    """Count the codes.

    Parameters
    ----------
    tokens : Tensor or ndarray of shape (n, H, W), integers
        Codes in [0, n_codes).
    n_codes : int
        Size K of the codebook, used or not.

    Returns
    -------
    TokenUsage

    Raises
    ------
    ShapeError
        If there are not three axes, or no tokens.
    InvalidValueError
        If tokens are not whole numbers in [0, n_codes).
    """
    values = checked_tokens(tokens, n_codes).numpy()
    n, height, width = values.shape
    n_positions = height * width
    # One histogram per position in a single pass: position p counts in the bins p * K to (p + 1) * K - 1.
    bins = values.reshape(n, n_positions) + np.arange(n_positions) * n_codes
    position_counts = np.bincount(bins.ravel(), minlength=n_positions * n_codes).reshape(height, width, n_codes)
    counts = position_counts.sum(axis=(0, 1))  # (K,)
    n_used = int(np.count_nonzero(counts))
    entropy_bits = float(_entropy_bits(counts))
    return TokenUsage(
        n_images=n,
        counts=counts,
        probabilities=counts / counts.sum(),
        n_used=n_used,
        fraction_used=n_used / n_codes,
        entropy_bits=entropy_bits,
        perplexity=2.0**entropy_bits,
        position_entropy_bits=_entropy_bits(position_counts),
        position_used=np.count_nonzero(position_counts, axis=-1),
        position_mode=position_counts.argmax(axis=-1),
    )


def _entropy_bits(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shannon entropy along the last axis; a code that never occurs contributes nothing."""
    probabilities = counts / counts.sum(axis=-1, keepdims=True)
    surprise_bits = -np.log2(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    entropy_bits: NDArray[np.float64] = (probabilities * surprise_bits).sum(axis=-1)
    return entropy_bits
