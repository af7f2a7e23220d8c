"""How one cell of a picture is coupled with those around it, and the pixels that it shares with one of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
import torch
from jaxtyping import Bool, Float

from geovq.app.lattice import data
from geovq.app.lattice.data import Look
from geovq.app.lattice.source import Picture
from geovq.app.shared.caching import shared
from geovq.app.shared.charts import show
from geovq.app.shared.links import start_with, write
from geovq.app.shared.selection import provenance
from geovq.app.shared.states import guarded
from geovq.app.shared.tables import position_rows
from geovq.geometry import LatticeMetric, lattice_metric
from geovq.geometry.metric.coupling import coupling_of_equal_steps, coupling_of_steps
from geovq.runs import Run
from geovq.viz import tokenizer_style
from geovq.viz.arrays import Array
from geovq.viz.coupling import coupling_figure, shared_pixels_figure, shared_window

OTHER = "lattice_other"
_EQUAL = "the same step in both"


@dataclass(frozen=True)
class Coupling:
    """One cell and all others.

    Attributes
    ----------
    equal_steps : array of shape (H, W)
        Cosine between the changes of the picture, where both cells take the same steps.
    replacing : array of shape (H, W), optional
        The same where a tokenizer replaces both cells by their codes; None without one.
    is_coupled : array of shape (H, W)
        Cells that share pixels with it; it is one of them.
    """

    equal_steps: Float[Array, "h w"]
    replacing: Float[Array, "h w"] | None
    is_coupled: Bool[Array, "h w"]

    def others(self, position: tuple[int, int]) -> list[int]:
        """Other cells that share pixels, in raster order numbers, the most strongly coupled first."""
        strengths = np.abs(self.equal_steps if self.replacing is None else self.replacing).ravel()
        width = self.is_coupled.shape[1]
        cells = [int(cell) for cell in np.flatnonzero(self.is_coupled) if divmod(cell, width) != position]
        return sorted(cells, key=lambda cell: -strengths[cell])


@shared(16, "Differentiating the decoder in every cell …")
def metric_of(run: Run, model: str, pixels: bytes) -> LatticeMetric:
    """Metric of a picture's lattice as a whole."""
    found = data.look(run, model, pixels)
    return lattice_metric(run.autoencoder(model).decode, found.lattice, data.subspace(run, model).basis)


@shared(128, False)
@torch.no_grad()
def coupling(run: Run, tokenizer: str | None, model: str, pixels: bytes, position: tuple[int, int]) -> Coupling:
    """Couplings of one cell of a picture with all others."""
    metric = metric_of(run, model, pixels)
    is_coupled = torch.zeros(metric.grid, dtype=torch.bool).flatten()
    cell = position[0] * metric.grid[1] + position[1]
    is_coupled[metric.neighbours[cell][metric.is_pair[cell]]] = True
    replacing = None
    if tokenizer is not None:
        lattice, quantizer = data.look(run, model, pixels).lattice, run.tokenizers[tokenizer]
        moved = quantizer.decode(quantizer.encode(lattice[None]))[0] - lattice  # (D, H, W)
        steps = moved.permute(1, 2, 0) @ data.subspace(run, model).basis.to(moved)
        replacing = coupling_of_steps(metric, position, steps).numpy()
    equal = coupling_of_equal_steps(metric, position).numpy()
    return Coupling(equal, replacing, is_coupled.reshape(metric.grid).numpy())


@guarded
def coupling_view(run: Run, picture: Picture, tokenizer: str | None, model: str, position: tuple[int, int]) -> None:
    """Draw the maps, and the pixels that are shared with one cell."""
    st.markdown("##### How is it coupled with its neighbours?")
    found = coupling(run, tokenizer, model, picture.pixels, position)
    others = found.others(position)
    if not others:
        st.caption("No other cell can change a pixel of this one: it is not coupled with any.")
        return
    st.markdown(
        "Neighbouring cells paint the same pixels, and what they do there adds up (red, above 0) or cancels (blue, "
        "below 0). At 1 both would change the picture in the same way, at 0 they do not touch each other, at −1 one "
        "undoes the other."
    )
    where = provenance(run, f"{picture.caption}, row {position[0]}, column {position[1]}")
    with st.container(horizontal=True):
        with st.container(width=290 * (1 if found.replacing is None else 2) + 110):
            _maps(found, tokenizer, position, others[0], where)
        with st.container(width=250):
            _shared(run, picture, model, found, position, others, where)


def _maps(found: Coupling, tokenizer: str | None, position: tuple[int, int], strongest: int, caption: str) -> None:
    maps = {_EQUAL: found.equal_steps}
    if tokenizer is not None and found.replacing is not None:
        maps[f"replaced by {tokenizer_style(tokenizer).label} codes"] = found.replacing
    shown = list(maps.values())[-1]
    row, column = divmod(strongest, shown.shape[1])
    value = shown[row, column]
    verb = "add up" if value > 0 else "cancel"
    what = "error and that" if found.replacing is not None else "changes and those"
    show(
        coupling_figure(maps, found.is_coupled, position),
        "lattice_coupling",
        alt=f"Coupling of the cell with each other cell; strongest with row {row}, column {column}: {value:+.2f}",
        title=f"Its {what} of row {row}, column {column} {verb} most ({value:+.2f})".replace("-", "−"),
        help="Cosine of the angle between the changes of the picture that the framed cell and another one make, from "
        "the blocks off the diagonal of JᵀJ of the whole lattice. Left: both take the same step, over all active "
        "directions. Right: both are replaced by the codes that the tokenizer gives them, which is an error; joint "
        "search looks for codes whose errors cancel. Cells without a number share no pixel with it.",
        caption=caption,
        data=position_rows(maps, "coupling"),
        select=lambda ids: pick_other(ids, shown.shape[1]),
    )


def pick_other(ids: list[Any], n_columns: int) -> None:
    """A neighbour was clicked."""
    if ids:
        row, column = map(int, str(np.ravel(ids[0])[0]).split(","))
        st.session_state[OTHER] = row * n_columns + column


def _shared(
    run: Run,
    picture: Picture,
    model: str,
    found: Coupling,
    position: tuple[int, int],
    others: list[int],
    caption: str,
) -> None:
    look: Look = data.look(run, model, picture.pixels)
    width = look.shape[1]
    start_with(OTHER, others[0], look.shape[0] * width - 1, "the neighbour")
    if st.session_state[OTHER] not in others:  # of another cell, perhaps
        st.session_state[OTHER] = others[0]
    chosen: int = st.selectbox(
        "Neighbour, most coupled first",
        others,
        format_func=lambda cell: "row {}, column {}".format(*divmod(cell, width)),
        key=OTHER,
    )
    write(OTHER, str(chosen))  # not bound: the link would hold the words of the option
    other = divmod(chosen, width)
    windows = [data.cell(run, model, picture.pixels, place).footprint for place in (position, other)]
    both = shared_window(*windows)
    n_shared = 0 if both is None else (both[0].stop - both[0].start) * (both[1].stop - both[1].start)
    show(
        shared_pixels_figure(look.decoded, look.shape, (position, windows[0]), (other, windows[1])),
        "lattice_shared",
        alt=f"The reconstruction with both cells, their footprints, and the {n_shared} pixels that they share shaded",
        title=f"They share {n_shared} pixels",
        help="Orange: the cell and, dashed, its footprint. Blue: the neighbour and, dotted, its footprint. Shaded: the "
        "pixels that both can change.",
        caption=caption,
    )
