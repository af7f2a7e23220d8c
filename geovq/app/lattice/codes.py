"""Any code of a tokenizer in place of one cell, and which codes would change the picture least."""

from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Float

from geovq.app.lattice import data
from geovq.app.lattice.source import Picture
from geovq.app.shared.charts import show
from geovq.app.shared.links import start_with
from geovq.app.shared.mosaics import ERROR_LIMIT
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.runs import Run
from geovq.viz import grey_tiles, in_rows, mosaic_figure, signed_tiles, tokenizer_style
from geovq.viz.arrays import Array

CODE = "lattice_code"
_PER_ROW, _N_SHOWN = 12, 24


@st.fragment
@guarded
def replace_cell(run: Run, picture: Picture, tokenizer: str, model: str, position: tuple[int, int]) -> None:
    """Draw the choice of a code, what it does, and the codes that do least."""
    found = data.look(run, model, picture.pixels)
    window = data.cell(run, model, picture.pixels, position).footprint
    patches = data.with_codes(run, tokenizer, model, picture.pixels, position)  # (K, h, w)
    changes = np.linalg.norm((patches - found.decoded[window]).reshape(len(patches), -1), axis=1)
    order = np.argsort(changes, kind="stable")
    tokens = data.passage(run, tokenizer, picture.pixels).tokens
    assert tokens is not None
    own = int(tokens[0][position])
    last = len(patches) - 1
    start_with(CODE, own, last, "the code")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        code = int(st.number_input(f"Code, 0 to {last}", 0, last, key=CODE, bind="query-params", width=140) or 0)
        st.button(
            f"The tokenizer's: {own}",
            icon=":material/grid_on:",
            on_click=choose_code,
            args=(own,),
            key="lattice_own_code",
        )
        st.button(
            f"The least change: {order[0]}",
            icon=":material/compress:",
            on_click=choose_code,
            args=(int(order[0]),),
            key="lattice_best_code",
        )
    caption = provenance(
        run, f"{tokenizer_style(tokenizer).label} · {picture.caption}, row {position[0]}, column {position[1]}"
    )
    _replaced(found.decoded, patches[code], window, _finding(changes, code, own), caption)
    _nearest(patches, changes, order, own, caption)


def choose_code(code: int) -> None:
    """Put another code into the cell; for callbacks."""
    st.session_state[CODE] = code


def _replaced(
    decoded: Float[Array, "height width"],
    patch: Float[Array, "h w"],
    window: tuple[slice, slice],
    title: str,
    caption: str,
) -> None:
    after = decoded.copy()
    after[window] = patch
    tiles = [*grey_tiles(np.stack([decoded, after])), signed_tiles(after - decoded, ERROR_LIMIT)]
    show(
        mosaic_figure(
            np.stack(tiles)[None], column_labels=["as it is", "with the code", "what changed"], tile_size=190
        ),
        "lattice_replaced",
        alt="The picture before and after the cell is replaced, and the change",
        title=title,
        help=f"Only this cell is replaced; the others stay as the encoder made them. Full colour from {ERROR_LIMIT} "
        "(white is 1); distances are pixel intensity (L2).",
        caption=caption,
    )


def _finding(changes: Float[Array, " k"], code: int, own: int) -> str:
    rank, n = int((changes < changes[own]).sum()) + 1, len(changes)
    words = f"the tokenizer's choice, code {own}, is number {rank} of {n} by least change ({changes[own]:.2g})"
    if code == own:
        return words[0].upper() + words[1:]
    return f"Code {code} changes the picture by {changes[code]:.2g}; {words}"


def _nearest(patches: Float[Array, "k h w"], changes: Float[Array, " k"], order: Array, own: int, caption: str) -> None:
    shown = order[:_N_SHOWN]

    def choose(ids: list[Any]) -> None:
        if ids:
            choose_code(int(shown[int(np.ravel(ids[0])[0])]))

    figure = mosaic_figure(
        in_rows(grey_tiles(patches[shown]), _PER_ROW),
        tile_labels=[f"<b>{code} ◆</b>" if code == own else str(code) for code in shown],
        tile_texts=[f"code {code}: changes the picture by {changes[code]:.3g}" for code in shown],
        tile_size=64,
    )
    show(
        figure.update_layout(clickmode="event+select"),
        "lattice_codes",
        alt="What the codes would paint in this cell, those that change the picture least first",
        title="What the codes would paint here, least change first",
        help="The footprint of the cell. ◆ is the tokenizer's own choice. Click a code to put it into the cell.",
        caption=f"{of_total(len(shown), len(patches), 'codes')} · {caption}",
        data={"code": order, "change of the picture (pixel intensity, L2)": changes[order]},
        select=choose,
    )
