"""Rows of pictures that several pages show: originals, reconstructions and their errors."""

import numpy as np
import torch

from geovq.app import caching
from geovq.app.views import VAE, Array
from geovq.runs import Run
from geovq.viz import grey_tiles, signed_tiles, tokenizer_style

ERROR_LIMIT = 0.5  # pixel difference that reaches full colour


def reconstruction_rows(
    run: Run, indices: tuple[int, ...], names: list[str], *, errors: bool
) -> tuple[list[str], Array]:
    """Originals, then the VAE and each tokenizer, each followed by its error if asked for.

    Returns
    -------
    (list of str, ndarray of shape (rows, n, 28, 28, 4))
        Names of the rows, and their tiles.
    """
    originals = originals_of(run, indices)
    labels, rows = ["original"], [grey_tiles(originals)]
    for name in [VAE, *names]:
        decoded = caching.passage(run, name, indices).decoded
        label = "VAE" if name == VAE else tokenizer_style(name).label
        labels.append(label)
        rows.append(grey_tiles(decoded))
        if errors:
            labels.append(f"{label}, error")
            rows.append(signed_tiles(decoded - originals, ERROR_LIMIT))
    return labels, np.stack(rows)


def originals_of(run: Run, indices: tuple[int, ...]) -> Array:
    """Held-out images, (n, 28, 28) in [0, 1]."""
    pixels: Array = caching.held_out_of(run).batch(torch.tensor(indices))[:, 0].numpy()
    return pixels
