"""The same images through both sides: pictures, errors, and one image in detail with its tokens."""

import math

import numpy as np
import streamlit as st
from jaxtyping import Float, UInt8

from geovq.app.compare import data as compare_data
from geovq.app.compare.controls import names_of
from geovq.app.compare.data import Measure, Side
from geovq.app.shared import fetching, tables
from geovq.app.shared.cells import cell_sums, size_words
from geovq.app.shared.charts import show
from geovq.app.shared.mosaics import ERROR_LIMIT, compared_rows, originals_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.app.shared.wording import GLOSSARY
from geovq.viz import cell_maps_figure, map_colouring, mosaic_figure, token_grids_figure
from geovq.viz.arrays import Array

_ORDERS = ("as they come", "A wins most first", "B wins most first")
_FIRST, _PICKED = "compare_first", "compare_image"
_DETAIL_UNIT = 1000  # errors of cells are shown in thousandths


def picture_rows(
    a: Side, b: Side, indices: tuple[int, ...], *, errors: bool
) -> tuple[list[str], UInt8[Array, "rows n h w 4"]]:
    """Names and tiles: originals, A, B, and the errors of each."""
    decoded = {letter: compare_data.decoded(side, indices) for letter, side in (("A", a), ("B", b))}
    return compared_rows(originals_of(a.images, indices), decoded, errors=errors)


def ordered(a: Side, b: Side, measure: Measure, order: str) -> list[int]:
    """Indices of the held-out images: in the order of the test split, or by who wins most."""
    gap = compare_data.errors(a, measure) - compare_data.errors(b, measure)
    if order == _ORDERS[1]:
        return np.argsort(gap, kind="stable").tolist()  # type: ignore[no-any-return]
    if order == _ORDERS[2]:
        return np.argsort(-gap, kind="stable").tolist()  # type: ignore[no-any-return]
    return list(range(len(gap)))


@st.fragment
@guarded
def pictures_section(a: Side, b: Side, measure: Measure) -> None:
    """Rows of pictures; a click or the number beside them chooses the one that is looked into."""
    n_total = len(compare_data.errors(a, measure))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox(
            "Images", _ORDERS, key="compare_order", bind="query-params", persist_state="session", width=190
        )
        first = st.number_input(
            "From place", 0, n_total - 1, key=_FIRST, bind="query-params", persist_state="session", width=140
        )
        n_shown = st.select_slider("How many", (6, 10, 16), 10, key="compare_n", persist_state="session", width=130)
        with_errors = st.toggle("Show errors", value=True, key="compare_errors", persist_state="session")
    indices = tuple(ordered(a, b, measure, order or _ORDERS[0])[int(first) : int(first) + n_shown])
    labels, tiles = picture_rows(a, b, indices, errors=with_errors)
    winners = _winners(a, b, measure, indices)
    show(
        mosaic_figure(
            tiles,
            row_labels=labels,
            column_labels=[f"{index}<br>{winner}" for index, winner in zip(indices, winners, strict=True)],
            tile_texts=_texts(a, b, measure, indices) * len(labels),
        ),
        "compare_mosaic",
        alt="Rows of the same held-out images: original, A, its errors, B, its errors; above each image, who is closer",
        title=f"A is closer in {winners.count('A')} of these {len(indices)} images",
        help="Above each picture: its number, and who has less error. "
        f"Errors: red is too bright, blue too dark, full colour from a difference of {ERROR_LIMIT} (white is 1).",
        caption=provenance(a.run, f"{of_total(len(indices), n_total, 'held-out images')} · {_legend(a, b)}"),
        select=lambda picked: _pick(picked, indices),
    )
    _detail(a, b, n_total)


def _detail(a: Side, b: Side, n_total: int) -> None:
    st.subheader("One image in detail", help="Click on a picture above, or give its number.")
    st.session_state.setdefault(_PICKED, 0)
    st.session_state[_PICKED] = min(int(st.session_state[_PICKED] or 0), n_total - 1)
    index = int(
        st.number_input(
            f"Held-out image, 0 to {n_total - 1}",
            0,
            n_total - 1,
            key=_PICKED,
            bind="query-params",
            persist_state="session",
            width=200,
        )
    )
    names = dict(zip("AB", names_of(a, b), strict=True))
    _token_grids(a, b, index, names)
    maps = {f"{letter}: {names[letter]}": cell_errors(side, index) for letter, side in (("A", a), ("B", b))}
    first, second = maps.values()
    closer = "A" if first.sum() < second.sum() else "B"
    show(
        cell_maps_figure(maps, unit="squared error (pixel² / 1000)", digits=1),
        "compare_cells",
        alt=f"Squared error of A and of B in each of the {size_words(first)} cells of image {index}",
        title=f"Where the errors of image {index} lie: {closer} has the smaller sum",
        help="Mean squared difference to the original over the pixels of each cell.",
        caption=provenance(a.run, f"held-out image {index}"),
        data=tables.position_rows(maps, "squared_error_thousandths"),
    )


def _token_grids(a: Side, b: Side, index: int, names: dict[str, str]) -> None:
    grids = {f"{letter}: {names[letter]}": compare_data.tokens(side)[index] for letter, side in (("A", a), ("B", b))}
    matched = compare_data.matching(a, b)
    colours_a = map_colouring(a.run.tokenizers[a.tokenizer].codebook.numpy())
    own = next(iter(grids.values()))
    title, help = f"Tokens of image {index}", GLOSSARY["code"]
    if matched is None:
        colours_b = map_colouring(b.run.tokenizers[b.tokenizer].codebook.numpy())
    else:
        partners = matched.partner_of_second(b.run.tokenizers[b.tokenizer].n_codes)
        colours_b = np.where(partners >= 0, colours_a[partners], 0)
        first, second = grids.values()
        n_same = int((partners[second] == first).sum())
        title = f"Tokens of image {index}: {n_same} of {first.size} cells hold codes that are partners"
        help += " Codes of B have the colour of their partner in A (see the matched codes below)."
    show(
        token_grids_figure(grids, dict(zip(grids, (colours_a.tolist(), colours_b.tolist()), strict=True))),
        "compare_tokens",
        alt=f"Codes of each of the {size_words(own)} cells of image {index} under A and under B",
        title=title,
        help=help,
        caption=provenance(a.run, f"held-out image {index}"),
        data=tables.position_rows(grids, "code"),
    )


def cell_errors(side: Side, index: int) -> Float[Array, "H W"]:
    """Mean squared error over the pixels of each cell, in thousandths of a squared pixel intensity."""
    squared = (compare_data.decoded(side, (index,))[0] - originals_of(side.images, (index,))[0]) ** 2
    shape = compare_data.tokens(side).shape[1:]
    means: Array = cell_sums(squared, shape) / (squared.size // math.prod(shape)) * _DETAIL_UNIT
    return means


def _winners(a: Side, b: Side, measure: Measure, indices: tuple[int, ...]) -> list[str]:
    rows = list(indices)
    closer = compare_data.errors(a, measure)[rows] < compare_data.errors(b, measure)[rows]
    return ["A" if is_a else "B" for is_a in closer]


def _texts(a: Side, b: Side, measure: Measure, indices: tuple[int, ...]) -> list[str]:
    images = fetching.held_out_of(a.images)
    ours, theirs = compare_data.errors(a, measure), compare_data.errors(b, measure)
    return [
        f"image {i}, {images.class_names[int(images.labels[i])]}: error A {ours[i]:.5f}, B {theirs[i]:.5f}"
        for i in indices
    ]


def _legend(a: Side, b: Side) -> str:
    first, second = names_of(a, b)
    return f"A: {first} · B: {second}"


def _pick(picked: list[int], indices: tuple[int, ...]) -> None:
    if picked:
        st.session_state[_PICKED] = indices[picked[0] % len(indices)]
