"""The codes as pictures, and the one that is looked at with all that is known of it."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from geovq.app.codebook import data
from geovq.app.codebook.controls import Choice, by_size, patches, picked_tile
from geovq.app.codebook.data import has_geometry, stands_on_graph
from geovq.app.shared import fetching
from geovq.app.shared.caching import shared
from geovq.app.shared.charts import show
from geovq.app.shared.readable import readable, theme
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.viz import grey_tiles, in_rows, mosaic_figure, tokenizer_style
from geovq.viz.arrays import Array

_MANY = 100  # codes, from which on they are small and their numbers are on hover only
_MAX_SHOWN = 256
_MOST_NEIGHBOURS = 8


def mosaics(run: Run, choice: Choice) -> None:
    """All codes of the chosen tokenizers, side by side where there is room; a click looks into one."""
    row = st.container(horizontal=True)
    for name in choice.names:
        counts = choice.usages[name].counts
        order = by_size(counts)[:_MAX_SHOWN]
        style, n_columns = tokenizer_style(name), 32 if len(order) > _MANY else 16
        with row.container(width=455 if len(choice.names) > 1 else "stretch"):
            show(
                _mosaic(run, name, choice.image, n_columns // len(choice.names), theme()),
                f"codebook_patches_{name}",
                alt=f"Decoded patches of the codes of the {style.label} tokenizer, largest cluster first",
                title=f"{style.label}: its codes as pictures, most used first",
                help="The pixels that the centre cell can change, with each code in that cell. Click one to look into "
                f"it. {GLOSSARY['code']}",
                caption=provenance(run, f"{of_total(len(order), len(counts), 'codes')} in the {choice.context}"),
                data={"code": order, "held-out cells": counts[order]},
                select=partial(picked_tile, tokenizer=name, codes=order),
            )


@shared(16, False)
def _mosaic(run: Run, name: str, image: int | None, n_columns: int, theme: str) -> Any:
    counts = fetching.usage(run, name).counts
    order = by_size(counts)[:_MAX_SHOWN]
    is_crowded = len(order) > _MANY
    return readable(
        mosaic_figure(
            in_rows(grey_tiles(fetching.code_patches(run, name, image)[order]), n_columns),
            tile_labels=[] if is_crowded else [str(code) for code in order],
            tile_texts=[f"code {code}: {counts[code]:,} held-out cells" for code in order],
            tile_size=26 if is_crowded else 48,
        )
    )


def inspector(run: Run, choice: Choice) -> None:
    """The code that is looked at: its picture, its shares of cells and areas, and its neighbours."""
    code, usage = choice.code, choice.usages[choice.tokenizer]
    own = patches(run, choice, choice.tokenizer)
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="codebook_inspector"):
        with st.container(width=110):
            show(
                mosaic_figure(grey_tiles(own[code])[None, None], tile_size=96),
                "codebook_chosen",
                alt=f"Decoded patch of code {code} of the {choice.label} tokenizer",
            )
        with st.container(width=260, gap="xsmall"):
            st.markdown(f"**Code {code} of the {choice.label} tokenizer**")
            st.markdown("  \n".join(_facts(run, choice)))
            st.caption(f"{usage.counts[code]:,} of {usage.counts.sum():,} held-out cells")
        if stands_on_graph(run, choice.tokenizer):
            with st.container(width=480):
                _neighbours(run, choice, own)


def _facts(run: Run, choice: Choice) -> list[str]:
    usage, code = choice.usages[choice.tokenizer], choice.code
    facts = [f"{usage.probabilities[code]:.2%} of the held-out cells"]
    if has_geometry(run, choice.tokenizer):
        areas = data.areas(run, choice.tokenizer)
        facts.append(f"{areas.euclidean[code]:.2%} of the Euclidean area")
        facts.append(f"{areas.riemannian[code]:.2%} of the Riemannian area")
    if stands_on_graph(run, choice.tokenizer):
        members = data.cells(run, choice.tokenizer).n_landmarks(code)
        facts.append(f"{members['euclidean']:,} landmarks straight, {members['geodesic']:,} by geodesic")
    return facts


def _neighbours(run: Run, choice: Choice, own: Array) -> None:
    graph, _ = data.code_graph(run, choice.tokenizer)
    neighbours = graph.neighbours_of(choice.code)
    shown = neighbours[:_MOST_NEIGHBOURS]
    if not len(shown):
        st.caption("No other code borders its cell.")
        return
    lengths = graph.distances[choice.code, shown]
    straight = _straight_lengths(run, choice, shown)
    show(
        mosaic_figure(
            grey_tiles(own[shown])[None],
            tile_labels=[str(code) for code in shown],
            tile_texts=[f"code {c}: {length:.3g} away" for c, length in zip(shown, lengths, strict=True)],
            column_labels=[f"{length:.3g}" for length in lengths],
            tile_size=52,
        ),
        "codebook_neighbours",
        alt=f"The codes that border code {choice.code}, nearest first, with their geodesic distances",
        title=f"It borders {len(neighbours)} of the other codes; the nearest is {shown[0]}",
        help=f"Above each: the geodesic distance between the two medoids, in {run.output_geometry.along_a_way}. Click "
        "one to look into it.",
        caption=of_total(len(shown), len(neighbours), "codes that border it, nearest first"),
        data={
            "code": shown,
            f"geodesic ({run.output_geometry.length_short})": lengths,
            "straight (latent units)": straight,
        },
        select=lambda ids: picked_tile(ids, choice.tokenizer, shown),
    )


def _straight_lengths(run: Run, choice: Choice, codes: Array) -> Array:
    codebook = run.tokenizers[choice.tokenizer].codebook.numpy()
    return np.asarray(np.linalg.norm(codebook[codes] - codebook[choice.code], axis=1))
