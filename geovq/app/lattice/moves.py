"""Sliders that move one cell along the active directions, with the decoded picture and what the Jacobian predicts."""

import numpy as np
import streamlit as st
from jaxtyping import Float

from geovq.app.lattice import data
from geovq.app.lattice.data import Cell
from geovq.app.lattice.source import Picture
from geovq.app.shared.charts import show
from geovq.app.shared.links import brief, unread, warn
from geovq.app.shared.mosaics import ERROR_LIMIT
from geovq.app.shared.selection import provenance
from geovq.app.shared.states import guarded
from geovq.runs import Run
from geovq.viz import grey_tiles, mosaic_figure, signed_tiles
from geovq.viz.arrays import Array

MOST_DIRECTIONS = 8
_PER_ROW = 4
_REACH = 3.0  # standard deviations of all cells along a direction
_OWNER = "lattice_moves_of"  # which cell the sliders were set for


def step_key(direction: int) -> str:
    """Key of the slider of a direction, the strongest is 1; also the name of the link's parameter."""
    return f"lattice_step_{direction}"


@st.fragment
@guarded
def move_cell(run: Run, picture: Picture, model: str, position: tuple[int, int]) -> None:
    """Draw the sliders and what they do."""
    cell = data.cell(run, model, picture.pixels, position)
    deviations = data.subspace(run, model).variances.sqrt().tolist()
    n_sliders = min(len(cell.strengths), MOST_DIRECTIONS)
    reach = [_rounded(_REACH * deviation) for deviation in deviations[:n_sliders]]
    _start(reach, (str(run.path), model, picture.pixels, position))
    steps = np.zeros(len(cell.strengths))
    for first in range(0, n_sliders, _PER_ROW):
        row = range(first, min(first + _PER_ROW, n_sliders))
        for column, i in zip(st.columns(len(row)), row, strict=True):
            steps[i] = column.slider(
                f"Direction {i + 1} (latent)",
                -reach[i],
                reach[i],
                step=reach[i] / 60,
                format="%.3g",
                key=step_key(i + 1),
                bind="query-params",
            )
    st.button("Back to where it is", icon=":material/restart_alt:", on_click=_reset, args=(n_sliders,))
    _pictures(run, picture, model, cell, steps)


def _pictures(run: Run, picture: Picture, model: str, cell: Cell, steps: Float[Array, " a"]) -> None:
    found = data.look(run, model, picture.pixels)
    before, after = found.decoded, data.moved(run, model, picture.pixels, cell.position, steps)
    change = after - before
    predicted = np.tensordot(steps, cell.columns, axes=1)
    tiles = [*grey_tiles(np.stack([before, after])), *signed_tiles(np.stack([change, predicted]), ERROR_LIMIT)]
    show(
        mosaic_figure(
            np.stack(tiles)[None],
            column_labels=["where it is", "moved", "what changed", "what the Jacobian predicts"],
            tile_size=190,
        ),
        "lattice_moved",
        alt="The picture before and after the step, the change, and the change that the Jacobian predicts",
        title=_finding(float(np.linalg.norm(change)), float(np.linalg.norm(predicted)), bool(steps.any())),
        help=f"Changes: red gets brighter, blue darker, full colour from {ERROR_LIMIT} (white is 1). Lengths are pixel "
        "intensity (L2). The Jacobian is exact for small steps only.",
        caption=provenance(run, f"{picture.caption}, row {cell.position[0]}, column {cell.position[1]}"),
        data={"direction": range(1, len(steps) + 1), "step (latent units)": steps},
    )


def _finding(length: float, predicted: float, is_moved: bool) -> str:
    if not is_moved:
        return "Move a slider: the cell walks along that direction, all others stay"
    return f"The picture moved by {length:.2g}; from the Jacobian alone one would expect {predicted:.2g}"


def _start(reach: list[float], owner: tuple[object, ...]) -> None:
    """Set the sliders of a cell: the first one of a session to what the link asks, another one to zero."""
    is_other = st.session_state.get(_OWNER, owner) != owner
    st.session_state[_OWNER] = owner
    for direction, most in enumerate(reach, start=1):
        key = step_key(direction)
        value = 0.0 if is_other else _linked(key, most)
        st.session_state[key] = min(max(value, -most), most)


def _linked(key: str, most: float) -> float:
    text = unread(key)
    if text is None:
        return float(st.session_state.get(key, 0.0))
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) <= 1.001 * most:
        warn(
            f"The link asks for a step of {brief(text)}; this direction reaches from {-most:g} to {most:g}. The cell "
            "stays where it is."
        )
        return 0.0
    return value


def _reset(n_sliders: int) -> None:
    for direction in range(1, n_sliders + 1):
        st.session_state[step_key(direction)] = 0.0


def _rounded(reach: float) -> float:
    return float(f"{reach:.1g}")
