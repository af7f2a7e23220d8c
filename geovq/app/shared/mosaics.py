"""Rows of pictures that several pages show: originals, reconstructions and their errors."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, UInt8

from geovq.app.shared import fetching
from geovq.app.shared.fetching import VAE
from geovq.runs import Run
from geovq.viz import grey_tiles, signed_tiles, tokenizer_style
from geovq.viz.arrays import Array

ERROR_LIMIT = 0.5  # pixel difference that reaches full colour


def reconstruction_rows(
    run: Run, indices: tuple[int, ...], names: list[str], *, errors: bool
) -> tuple[list[str], Array]:
    """Originals, then the VAE and each tokenizer, each followed by its error if asked for.

    Returns
    -------
    (list of str, ndarray of shape (rows, n, h, w, 4))
        Names of the rows, and their tiles.
    """
    decoded = {
        "VAE" if name == VAE else tokenizer_style(name).label: fetching.passage(run, name, indices).decoded
        for name in [VAE, *names]
    }
    return compared_rows(originals_of(run, indices), decoded, errors=errors)


def compared_rows(
    originals: Float[Array, "n height width"], decoded: Mapping[str, Float[Array, "n height width"]], *, errors: bool
) -> tuple[list[str], UInt8[Array, "rows n height width 4"]]:
    """Names and tiles of rows: originals, then decoded images by name, each followed by its error if asked for."""
    labels, rows = ["original"], [grey_tiles(originals)]
    for label, images in decoded.items():
        labels.append(label)
        rows.append(grey_tiles(images))
        if errors:
            labels.append(f"{label}, error")
            rows.append(signed_tiles(images - originals, ERROR_LIMIT))
    return labels, np.stack(rows)


def originals_of(run: Run, indices: tuple[int, ...]) -> Array:
    """Held-out images, (n, h, w), intensities in [0, 1]."""
    pixels: Array = fetching.held_out_of(run).batch(torch.tensor(indices))[:, 0].numpy()
    return pixels
