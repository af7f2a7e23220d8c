"""One image through two tokenizers: where their tokens differ, and what that costs in pixels."""

import numpy as np
import streamlit as st

from geovq.app.shared import fetching, tables
from geovq.app.shared.cells import cell_sums, size_words
from geovq.app.shared.charts import show
from geovq.app.shared.mosaics import ERROR_LIMIT, originals_of, reconstruction_rows
from geovq.app.shared.selection import provenance
from geovq.app.shared.wording import GLOSSARY
from geovq.app.tokens import data
from geovq.app.tokens.data import Difference
from geovq.runs import Run
from geovq.viz import cell_maps_figure, map_colouring, mosaic_figure, token_grids_figure, tokenizer_style
from geovq.viz.arrays import Array
from geovq.viz.token_cells import frame_cells

_DIGITS = 2  # of errors in a cell
_BY_PATCH, _BY_USE = "paint most nearly the same", "are given to the same cells"


def difference(run: Run, names: list[str], index: int, class_name: str) -> None:
    """Grids of two tokenizers with the cells that differ, the pictures, and the cost of every cell."""
    first, second = names
    grids = {name: fetching.held_out_tokens(run, name)[index] for name in names}
    partners = _partners(run, first, second)
    differs = partners[grids[second]] != grids[first]
    original = originals_of(run, (index,))[0]
    errors = {
        name: cell_sums((fetching.passage(run, name, (index,)).decoded[0] - original) ** 2, differs.shape)
        for name in names
    }
    found = Difference(differs, errors)
    labels = [tokenizer_style(name).label for name in names]
    where = f"held-out image {index} ({class_name})"
    colours = _colours(run, first, second, partners)
    show(
        frame_cells(
            token_grids_figure(dict(zip(labels, grids.values(), strict=True)), dict(zip(labels, colours, strict=True))),
            differs,
            2,
        ),
        "tokens_grids",
        alt=f"Codes of the cells of image {index} under {labels[0]} and {labels[1]}; those that differ are framed",
        title=_finding(found, names, labels),
        help=f"Framed: the two codes of a cell are no partners. Partners share a colour. {GLOSSARY['code']}",
        caption=provenance(run, where),
        data=tables.position_rows(
            dict(zip(labels, grids.values(), strict=True)) | {"differs": differs.astype(int)}, "value"
        ),
    )
    rows, tiles = reconstruction_rows(run, (index,), names, errors=True)
    show(
        mosaic_figure(
            tiles.swapaxes(0, 1), column_labels=[row.replace(", ", "<br>") for row in rows], tile_size=128
        ).update_layout(margin_t=44),  # room for two lines above the pictures
        "tokens_pictures",
        alt=f"Image {index}, its reconstructions by the VAE, {labels[0]} and {labels[1]}, and their errors",
        title="What the two make of it",
        help=f"Errors: red is too bright, blue too dark, full colour from a difference of {ERROR_LIMIT} (white is 1).",
        caption=provenance(run, where),
    )
    _cost(run, found, names, labels, where)


def _cost(run: Run, found: Difference, names: list[str], labels: list[str], where: str) -> None:
    first, second = (found.errors[name] for name in names)
    gap = np.round(first - second, _DIGITS) + 0.0  # no "-0.00"
    better = labels[0] if first.sum() < second.sum() else labels[1]
    maps = {f"{labels[0]} minus {labels[1]}": gap}
    show(
        frame_cells(
            cell_maps_figure(maps, unit="squared error (pixel²)", signed=True, digits=_DIGITS), found.differs, 1
        ),
        "tokens_cost",
        alt=f"Difference of the squared errors of {labels[0]} and {labels[1]} in each of the {size_words(gap)} cells",
        title=f"Cell by cell: {better} is closer over the whole image, by {abs(first.sum() - second.sum()):.2f} pixel²",
        help=f"Sum of squared differences to the original over the pixels of each cell. Red: {labels[0]} errs more, "
        f"blue: {labels[1]} does. Framed cells hold different codes. A code also paints into the cells around its own, "
        "so an error may belong to a neighbour.",
        caption=provenance(run, where),
        data=tables.position_rows(dict(zip(labels, (first, second), strict=True)), "squared_error"),
    )


def _finding(found: Difference, names: list[str], labels: list[str]) -> str:
    n_cells, n_different = found.differs.size, int(found.differs.sum())
    if not n_different:
        return f"All {n_cells} cells hold partners"
    parts = [f"{label} {found.summed(name, differing=True):.2f}" for name, label in zip(names, labels, strict=True)]
    return f"{n_different} of {n_cells} cells differ; their squared error (pixel²): {', '.join(parts)}"


def _partners(run: Run, first: str, second: str) -> Array:
    how = st.segmented_control(
        "Partners are codes that",
        [_BY_USE, _BY_PATCH],
        default=_BY_USE,
        required=True,
        key="tokens_partners",
        bind="query-params",
        help="Codes of two tokenizers have no common numbers. They are paired one-to-one, so that all pairs together "
        "differ least in pixels, or agree on as many held-out cells as possible (Hungarian method).",
    )
    found = data.partners(run, first, second, by_patch=how == _BY_PATCH)
    if found is None:
        st.caption("The cells of these two decoders paint patches of different sizes; codes are paired by use instead.")
        found = data.partners(run, first, second, by_patch=False)
    assert found is not None
    return found


def _colours(run: Run, first: str, second: str, partners: Array) -> tuple[list[int], list[int]]:
    own = map_colouring(run.tokenizers[first].codebook.numpy())
    others = map_colouring(run.tokenizers[second].codebook.numpy())
    return own.tolist(), np.where(partners >= 0, own[partners], others).tolist()
