"""One cell of the lattice: where it is, what it can change, and how strongly; then something to do with it."""

from typing import Any

import numpy as np
import streamlit as st

from geovq.app.lattice import data
from geovq.app.lattice.codes import replace_cell
from geovq.app.lattice.coupling import coupling_view
from geovq.app.lattice.data import Cell, Look, equal_steps
from geovq.app.lattice.moves import MOST_DIRECTIONS, move_cell
from geovq.app.lattice.source import Picture
from geovq.app.shared.charts import show
from geovq.app.shared.links import start_with
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import empty_state, guarded
from geovq.runs import Run
from geovq.viz import in_rows, mosaic_figure, signed_tiles
from geovq.viz.ellipses import ellipse_figure
from geovq.viz.lattice import where_figure

ROW, COLUMN = "lattice_row", "lattice_column"
_JACOBIAN_SIDE = 280  # pixels of all columns beside each other
_MOVE, _REPLACE = "move it", "replace it by a code"


def picked_cell(ids: list[Any]) -> None:
    """A cell was clicked."""
    if ids:
        row, column = str(np.ravel(ids[0])[0]).split(",")
        st.session_state[ROW], st.session_state[COLUMN] = int(row), int(column)


@guarded
def cell_view(run: Run, picture: Picture, tokenizer: str | None, model: str) -> None:
    """Draw all about the chosen cell."""
    found = data.look(run, model, picture.pixels)
    position = row, column = _cell_picker(run, picture, model, found)
    cell = data.cell(run, model, picture.pixels, position)
    caption = provenance(run, f"{picture.caption}, row {row}, column {column}")
    with st.container(horizontal=True):
        with st.container(width=232):
            _where(found, cell, caption)
        with st.container(width=312):
            _ellipse(run, model, found, cell, caption)
        with st.container(width=380):
            _jacobian(cell, caption)
    coupling_view(run, picture, tokenizer, model, position)
    what = st.segmented_control(
        f"What to do with the cell at row {row}, column {column}",
        [_MOVE, _REPLACE],
        required=True,
        default=_MOVE,
        key="lattice_try",
        bind="query-params",
    )
    if what == _MOVE:
        move_cell(run, picture, model, position)
    elif tokenizer is None:
        empty_state("No tokenizer yet", "Once one is built, the cell can be replaced by its codes.", icon="apps")
    else:
        replace_cell(run, picture, tokenizer, model, position)


def _cell_picker(run: Run, picture: Picture, model: str, found: Look) -> tuple[int, int]:
    magnification = data.field(run, model, picture.pixels).log10_magnification.numpy()
    usual = np.unravel_index(int(magnification.argmax()), magnification.shape)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("One cell", width="content")
        for key, size, start, name in zip((ROW, COLUMN), found.shape, usual, ("row", "column"), strict=True):
            start_with(key, int(start), size - 1, f"the {name}")
            st.number_input(
                f"{name.capitalize()}, 0 to {size - 1}", 0, size - 1, key=key, bind="query-params", width=140
            )
    return int(st.session_state[ROW]), int(st.session_state[COLUMN])


def _where(found: Look, cell: Cell, caption: str) -> None:
    rows, columns = ((part.stop - part.start) for part in cell.footprint)
    show(
        where_figure(found.decoded, found.shape, cell.position, cell.footprint),
        "lattice_where",
        alt=f"The reconstruction with the cell framed and a dashed frame around the {rows} by {columns} pixels it can "
        "change",
        title=f"It can change {rows} × {columns} pixels",
        help="Solid: the cell. Dashed: its footprint, all pixels that the decoder lets it change. Neighbouring "
        "footprints overlap.",
        caption=caption,
    )


def _ellipse(run: Run, model: str, found: Look, cell: Cell, caption: str) -> None:
    active = data.subspace(run, model)
    if active.n_active < 2:
        st.markdown(f"**A step of 1 moves the picture by {cell.strengths[0]:.2g}**")
        st.caption("An ellipse needs two directions; this autoencoder uses one. Unit: pixel intensity (L2).")
        return
    steps = equal_steps(found, active, cell)
    which = "both active directions" if active.n_active == 2 else f"the 2 strongest of {active.n_active} directions"
    show(
        ellipse_figure(
            steps.metric,
            steps.posterior,
            names=(f"picture moves by {steps.distance:g}", "posterior, 1 std. dev."),
            axis_titles=("direction 1 (latent units)", "direction 2 (latent units)"),
        ),
        "lattice_ellipse",
        alt="Ellipse of the steps that change the picture equally, and of the posterior, in the two strongest "
        "directions",
        title=f"One way a step changes the picture {steps.anisotropy:,.3g} times as much as across",
        help="Every point of the filled ellipse is a step of this cell that moves the picture equally far, in pixel "
        "intensity (L2): it is short where the decoder is sensitive."
        + ("" if steps.posterior is None else " Dashed: what the encoder leaves open about this cell."),
        caption=" · ".join([which, *(["cut where the picture hardly changes"] if steps.is_cut else []), caption]),
        data={"metric_x": steps.metric[:, 0], "metric_y": steps.metric[:, 1]}
        | (
            {}
            if steps.posterior is None
            else {"posterior_x": steps.posterior[:, 0], "posterior_y": steps.posterior[:, 1]}
        ),
    )


def _jacobian(cell: Cell, caption: str) -> None:
    strengths = cell.strengths
    n_shown = min(len(strengths), MOST_DIRECTIONS)
    columns = cell.columns[:n_shown][:, *cell.footprint]
    tiles = np.stack([signed_tiles(image, float(np.abs(image).max())) for image in columns])
    names = [f"direction {i}: {strength:.2g}" for i, strength in enumerate(strengths[:n_shown], start=1)]
    n_columns = 2 if n_shown <= 4 else 4
    strongest = int(strengths.argmax()) + 1
    show(
        mosaic_figure(in_rows(tiles, n_columns), tile_labels=names, tile_size=_JACOBIAN_SIDE // n_columns),
        "lattice_jacobian",
        alt="The Jacobian's columns as pictures: what a small step along each active direction adds and takes away",
        title=f"Jacobian: direction {strongest} moves it most",
        help="The columns of J, one per active direction, in the footprint: red gets brighter, blue darker, in its "
        "own scale. The number is its length: how far the picture moves per latent unit, pixel intensity (L2).",
        caption=of_total(n_shown, len(strengths), "active directions") + f" · {caption}",
        data={"direction": range(1, len(strengths) + 1), "pixel intensity (L2) per latent unit": strengths},
    )
