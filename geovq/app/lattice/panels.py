"""The five small maps of one picture's cells, made once for each theme: drawing takes longer than computing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geovq.app.lattice import data
from geovq.app.lattice.fitting import grey_values
from geovq.app.shared.caching import shared
from geovq.app.shared.readable import readable
from geovq.app.shared.tables import position_rows
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.viz import cell_maps_figure, map_colouring, token_grids_figure, tokenizer_style
from geovq.viz.lattice import over_picture_figure, small_map

_QUIET = 0.5  # share of the cells that are at the low end of the magnification's scale
_KEPT = 48


@dataclass(frozen=True)
class Panel:
    """One map with its words. All visitors with the same theme see the same `figure`, so it must not be changed."""

    key: str
    figure: Any
    title: str
    help: str
    alt: str
    data: pd.DataFrame


@shared(_KEPT, False)
def information(run: Run, model: str, pixels: bytes, theme: str) -> Panel | None:
    """KL per cell over the picture; None without a posterior."""
    kl = data.look(run, model, pixels).kl_nats
    if kl is None:
        return None
    ranked = np.sort(kl.ravel())[::-1].cumsum()
    n_half = int((ranked < ranked[-1] / 2).sum()) + 1
    return Panel(
        "lattice_kl",
        readable(
            over_picture_figure(
                grey_values(pixels, run.image_shape[1:]) / 255,
                kl,
                unit="KL (nats)",
                limits=(0.0, max(float(kl.max()), 1e-6)),
                digits=2,
            )
        ),
        title=f"KL: half of {ranked[-1]:.0f} nats is in {n_half} of {kl.size} cells",
        help="How far the posterior of a cell is from the prior, summed over channels: what this cell tells about this "
        "picture, and what the autoencoder pays for it.",
        alt=f"KL of each cell over the picture; half of all is in {n_half} cells",
        data=position_rows({"KL": kl}, "nats"),
    )


@shared(_KEPT, False)
def magnification(run: Run, model: str, pixels: bytes, theme: str) -> Panel:
    """Magnification per cell over the picture."""
    field = data.field(run, model, pixels)
    values, n_active = field.log10_magnification.numpy(), field.stretches.shape[-1]
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    low, high = float(np.quantile(values, _QUIET)), float(values.max())
    return Panel(
        "lattice_magnification",
        readable(
            over_picture_figure(
                grey_values(pixels, run.image_shape[1:]) / 255,
                values,
                unit=f"log₁₀ ({_power('pixel', n_active)} per {_power('latent', n_active)})",
                limits=(min(low, high - 1e-6), high),
            )
        ),
        title=f"Magnification: most at row {row}, column {column}",
        help=f"log₁₀ √det G, with G = JᵀJ of the cell in its own lattice and in {n_active} active directions: how much "
        "the decoder enlarges a small volume of the cell's latent space. The lower half shares one look. "
        f"In {int(field.is_degenerate.sum())} of {values.size} cells some direction changes the picture by less than "
        "rounding can tell; they are shown as the least that could be told.",
        alt=f"log10 magnification of each cell over the picture, largest at row {row}, column {column}",
        data=position_rows({"magnification": values}, "log10_magnification"),
    )


@shared(_KEPT, False)
def means(run: Run, model: str, pixels: bytes, channel: int, theme: str) -> Panel:
    """Posterior mean of one channel, or what the encoder returns where there is no posterior."""
    found = data.look(run, model, pixels)
    values = found.lattice[channel].numpy()
    unit = "encoder's output" if found.deviations is None else "posterior mean"
    return Panel(
        "lattice_channel_map",
        readable(
            small_map(
                cell_maps_figure({unit: values}, unit=unit, signed=True, digits=1), found.shape, f"{unit} (latent)"
            )
        ),
        title=f"The lattice: channel {channel} in every cell",
        help=GLOSSARY["lattice"],
        alt=f"{unit.capitalize()} of channel {channel} in each cell",
        data=position_rows({f"channel {channel}": values}, unit.replace(" ", "_")),
    )


@shared(_KEPT, False)
def deviations(run: Run, model: str, pixels: bytes, channel: int, theme: str) -> Panel | None:
    """Posterior standard deviation of one channel; None without a posterior."""
    found = data.look(run, model, pixels)
    if found.deviations is None:
        return None
    values = found.deviations[channel].numpy()
    unit = "standard deviation (latent)"
    return Panel(
        "lattice_deviations",
        readable(small_map(cell_maps_figure({unit: values}, unit=unit), found.shape, unit)),
        title=f"Its uncertainty: from {values.min():.2g} to {values.max():.2g}",
        help="Standard deviation of the posterior. The prior's is 1: where it is near 1 and the mean near 0, the cell "
        "says nothing in this channel.",
        alt=f"Posterior standard deviation of channel {channel} in each cell",
        data=position_rows({f"channel {channel}": values}, "standard_deviation"),
    )


@shared(_KEPT, False)
def tokens(run: Run, tokenizer: str, pixels: bytes, theme: str) -> Panel:
    """Code of every cell."""
    found = data.passage(run, tokenizer, pixels).tokens
    assert found is not None
    grid, label = found[0], tokenizer_style(tokenizer).label
    colours = map_colouring(run.tokenizers[tokenizer].codebook.numpy()).tolist()
    return Panel(
        "lattice_tokens",
        readable(small_map(token_grids_figure({label: grid}, {label: colours}), (grid.shape[0], grid.shape[1]))),
        title=f"The tokens: {len(np.unique(grid))} different codes in {grid.size} cells",
        help=f"{label}, {run.tokenizers[tokenizer].n_codes} codes. {GLOSSARY['code']} Codes that lie side by side in "
        "latent space differ in colour.",
        alt=f"Code of each cell under the {label} tokenizer",
        data=position_rows({label: grid}, "code"),
    )


def _power(unit: str, n: int) -> str:
    return unit if n == 1 else f"{unit}{str(n).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
