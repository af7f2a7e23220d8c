"""One held-out image: its tokens under two tokenizers or chosen together, and other codes put into its cells."""

from typing import Any

import numpy as np
import streamlit as st

from geovq.app.shared import fetching
from geovq.app.shared.caching import run_key
from geovq.app.shared.cells import Cell, size_words
from geovq.app.shared.charts import show
from geovq.app.shared.decoders import DecoderName, decoder_picker, decoder_words
from geovq.app.shared.links import brief, parameter, start_with, warn, write
from geovq.app.shared.mosaics import ERROR_LIMIT, originals_of
from geovq.app.shared.pickers import image_picker, one_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.app.tokens import data
from geovq.app.tokens.data import VISIBLE, Edits, edited, read_edits, write_edits
from geovq.app.tokens.difference import difference
from geovq.app.tokens.together import tokens_together
from geovq.runs import Run
from geovq.viz import (
    grey_tiles,
    in_rows,
    map_colouring,
    mosaic_figure,
    signed_tiles,
    token_grids_figure,
    tokenizer_style,
)
from geovq.viz.arrays import Array
from geovq.viz.token_cells import clickable_cells, frame_cells, lattice_pictures_figure

_EDITS, _FOR = "tokens_edits", "tokens_edited"  # what was changed, kept in the link, and of what
_ROW, _COLUMN, _CODE = "tokens_row", "tokens_column", "tokens_code"
_GRID = 300  # pixels
_MOST_SHOWN, _N_COLUMNS = 48, 12


@st.fragment
@guarded
def one_image(run: Run, names: list[str]) -> None:
    """All that belongs to one image."""
    st.subheader("Why do tokens differ?")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index, class_name = image_picker(run, "tokens")
    if len(names) == 2:
        difference(run, names, index, class_name)
    else:
        st.caption("Choose a second tokenizer above to lay the tokens of two side by side.")
    tokens_together(run, names, index, class_name)
    _editor(run, names, index, class_name)


@st.fragment
@guarded
def _editor(run: Run, names: list[str], index: int, class_name: str) -> None:
    """The grid to choose a cell in, the codes to choose from, and the pictures before and after."""
    st.subheader("What does one token do to the picture?")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = one_of(names, "tokens_edit_of")
        decoder = decoder_picker(run, name, "tokens_refit")
    before = fetching.held_out_tokens(run, name)[index]
    n_codes = run.tokenizers[name].n_codes
    edits = _edits((*run_key(run), name, str(index)), before.shape, n_codes)
    cell = _controls(before, edits, n_codes)
    after = edited(before, edits)
    images = [data.decoded(run, name, decoder, tokens) for tokens in (before, after)]
    where = f"held-out image {index} ({class_name}), {tokenizer_style(name).label}{decoder_words(decoder)}"
    with st.container(horizontal=True):
        with st.container(width=310):
            _grid(run, name, after, after != before, where)
        with st.container(width=640):
            _pictures(run, index, (before.shape[0], before.shape[1]), cell, images, where, len(edits))
    _palette(run, name, decoder, before, edits, cell, where)


def _edits(subject: tuple[str, ...], shape: tuple[int, ...], n_codes: int) -> Edits:
    """What was changed of this image under this tokenizer: from the session, else the link; other images begin anew."""
    before = st.session_state.get(_FOR)
    known = ""
    if before is None:
        known = parameter(_EDITS) or ""
    elif before == subject:
        known = str(st.session_state[_EDITS])
    edits = read_edits(known, (shape[0], shape[1]), n_codes)
    if edits is None:
        warn(f"The link puts {brief(known)} into this image, which it has no cells or codes for. Nothing was changed.")
        edits = {}
    st.session_state[_FOR] = subject
    _keep(edits, shape[1])
    return edits


def _keep(edits: Edits, n_columns: int) -> None:
    st.session_state[_EDITS] = write_edits(edits, n_columns)
    write(_EDITS, st.session_state[_EDITS] or None)


def _controls(before: Array, edits: Edits, n_codes: int) -> Cell:
    height, width = before.shape
    for key, usual, last, what in ((_ROW, height // 2, height - 1, "row"), (_COLUMN, width // 2, width - 1, "column")):
        start_with(key, usual, last, f"the {what}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        row = int(st.number_input("Row", 0, height - 1, key=_ROW, bind="query-params", width=110) or 0)
        column = int(st.number_input("Column", 0, width - 1, key=_COLUMN, bind="query-params", width=110) or 0)
        cell = row, column
        st.session_state[_CODE] = int(edits.get(cell, before[cell]))
        st.number_input(
            f"Code, 0 to {n_codes - 1}",
            0,
            n_codes - 1,
            key=_CODE,
            on_change=_put_typed,
            args=(before, edits, cell),
            width=140,
            help="The image changes at once. Or click a picture below.",
        )
        st.button(
            "Reset cell",
            icon=":material/undo:",
            key="tokens_reset_cell",
            on_click=_put,
            args=(before, edits, cell, int(before[cell])),
            disabled=cell not in edits,
        )
        st.button(
            "Reset all",
            icon=":material/restart_alt:",
            key="tokens_reset",
            on_click=_keep,
            args=({}, width),
            disabled=not edits,
        )
    return cell


def _put_typed(before: Array, edits: Edits, cell: Cell) -> None:
    _put(before, edits, cell, int(st.session_state[_CODE] or 0))


def _put(before: Array, edits: Edits, cell: Cell, code: int) -> None:
    changed = {**edits, cell: code}
    _keep({place: value for place, value in changed.items() if before[place] != value}, before.shape[1])


def _grid(run: Run, name: str, tokens: Array, changed: Array, where: str) -> None:
    label = tokenizer_style(name).label
    grid = token_grids_figure({label: tokens}, {label: map_colouring(run.tokenizers[name].codebook.numpy()).tolist()})
    show(
        clickable_cells(frame_cells(grid, changed, 1), (tokens.shape[0], tokens.shape[1])).update_layout(
            width=_GRID, height=_GRID
        ),
        "tokens_edit_grid",
        alt=f"Codes of the {size_words(tokens)} cells, to choose one; cells that were changed are framed",
        title="Click a cell to edit it",
        help="Framed: changed by you.",
        caption=provenance(run, where),
        data={f"column {c}": tokens[:, c] for c in range(tokens.shape[1])},
        select=_picked_cell,
    )


def _picked_cell(ids: list[Any]) -> None:
    if ids:
        st.session_state[_ROW], st.session_state[_COLUMN] = np.ravel(ids[0]).astype(int).tolist()


def _pictures(
    run: Run, index: int, shape: tuple[int, int], cell: Cell, images: list[Array], where: str, n_edits: int
) -> None:
    before, after = images
    show(
        lattice_pictures_figure(
            {
                "before": grey_tiles(before),
                "after": grey_tiles(after),
                "change": signed_tiles(after - before, ERROR_LIMIT),
            },
            shape,
            cell,
        ),
        "tokens_edited_pictures",
        alt=f"The image before and after {n_edits} changes, and the change; row {cell[0]}, column {cell[1]} is framed",
        title=edit_finding(before, after, originals_of(run, (index,))[0], n_edits),
        help="The frame is the cell that is edited. Change: red is brighter, blue darker, full colour from "
        f"{ERROR_LIMIT} (white is 1). One token reaches beyond its cell, because the decoder looks at the cells "
        "around it.",
        caption=provenance(run, where),
    )


def edit_finding(before: Array, after: Array, original: Array, n_edits: int) -> str:
    """What the changes did to the picture, and to its error."""
    if not n_edits:
        return "Nothing is changed yet"
    n_seen = int((np.abs(after - before) > VISIBLE).sum())
    was, now = (float(((image - original) ** 2).sum()) for image in (before, after))
    tokens = "One token changes" if n_edits == 1 else f"{n_edits} tokens change"
    return (
        f"{tokens} {n_seen} of {before.size} pixels; the squared error to the original goes from {was:.1f} to {now:.1f}"
    )


def _palette(run: Run, name: str, decoder: DecoderName, before: Array, edits: Edits, cell: Cell, where: str) -> None:
    """What every code would paint here, the most similar first; a click puts it in."""
    tokens = edited(before, edits)
    others = edited(tokens, {cell: 0})  # what stands in the cell itself does not matter, so nothing is decoded twice
    patches = data.cell_patches(run, name, decoder, others, cell)
    current = int(tokens[cell])
    gaps = np.sqrt(((patches - patches[current]) ** 2).mean(axis=(1, 2)))
    order = np.argsort(gaps, kind="stable")
    order = np.concatenate([[current], order[order != current]])
    shown = order[np.unique(np.linspace(0, len(order) - 1, min(_MOST_SHOWN, len(order))).astype(int))]
    show(
        mosaic_figure(
            in_rows(grey_tiles(patches[shown]), _N_COLUMNS),
            tile_labels=[str(code) for code in shown],
            tile_texts=[f"put code {code} here" for code in shown],
            tile_size=48,
        ),
        "tokens_palette",
        alt=f"What {len(shown)} codes would paint in row {cell[0]}, column {cell[1]}, the present one first",
        title=f"What other codes would paint in row {cell[0]}, column {cell[1]}; click one to put it in",
        help="The pixels that this cell can change, with all other cells as they are. The first is the present code; "
        "then they differ more and more from it.",
        caption=provenance(run, f"{of_total(len(shown), len(order), 'codes')} · {where}"),
        data={"code": order, "root mean squared difference": gaps[order]},
        select=lambda ids: _picked_code(ids, shown, before, edits, cell),
    )


def _picked_code(ids: list[Any], shown: Array, before: Array, edits: Edits, cell: Cell) -> None:
    if ids:
        _put(before, edits, cell, int(shown[int(np.ravel(ids[0])[0])]))
