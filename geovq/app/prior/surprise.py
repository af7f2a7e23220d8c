"""How well a prior guesses held-out images: cell by cell of one, and over all of them."""

import numpy as np
import streamlit as st

from geovq.app.prior import data as prior_data
from geovq.app.prior.data import Drawing
from geovq.app.shared import fetching, findings, tables
from geovq.app.shared.cells import size_words
from geovq.app.shared.charts import show
from geovq.app.shared.decoders import decoder_words
from geovq.app.shared.mosaics import originals_of
from geovq.app.shared.pickers import image_picker
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.viz import cell_maps_figure, grey_tiles, mosaic_figure, tokenizer_style
from geovq.viz.arrays import Array

_N_EXTREMES = 10


def surprise_view(run: Run, drawing: Drawing) -> None:
    """One image, then the extremes, then the mean."""
    maps = prior_data.surprise_bits(run, drawing.tokenizer)
    totals = maps.sum(axis=(1, 2))
    _one_image(run, drawing, maps, totals)
    _extremes(run, drawing, totals)
    _mean_map(run, drawing, maps)


def _one_image(run: Run, drawing: Drawing, maps: Array, totals: Array) -> None:
    label = tokenizer_style(drawing.tokenizer).label
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index, class_name = image_picker(run, "prior")
    if index >= len(maps):
        st.info(f"The prior was asked about the first {len(maps):,} held-out images; choose one of these.")
        return
    total = totals[index]
    with st.container(horizontal=True, gap="medium"):
        st.metric("This image", f"{total:.1f} bits", help=GLOSSARY["bits"], width="content")
        st.metric(f"Mean of {len(maps):,} images", f"{totals.mean():.1f} bits", width="content")
        st.metric("Images easier to guess", f"{(totals < total).mean():.0%}", width="content")
        st.metric(
            "Mean per token",
            f"{totals.mean() / maps[0].size:.2f} bits",
            help=GLOSSARY["nll"],
            width="content",
        )
    pictures = [
        originals_of(run, (index,)),
        prior_data.reconstructions(run, drawing.tokenizer, drawing.decoder, (index,)),
    ]
    with st.container(horizontal=True):
        with st.container(width=390):
            show(
                mosaic_figure(
                    grey_tiles(np.stack(pictures, axis=1)), column_labels=["original", "from its tokens"], tile_size=176
                ),
                "prior_guessed",
                alt=f"Held-out image {index} ({class_name}) and its reconstruction from {label} tokens",
                title=f"Held-out image {index}, {class_name}",
                caption=provenance(run, f"{label}{decoder_words(drawing.decoder)}"),
            )
        with st.container(width=400):
            row, column = findings.extreme_position(maps[index])
            show(
                cell_maps_figure({label: maps[index]}, unit="surprise (bits)", digits=1),
                "prior_nll_map",
                alt=f"Bits that the token at each of the {size_words(maps)} positions costs in image {index}",
                title=f"Least expected at row {row}, column {column}: {maps[index].max():.1f} bits",
                help=f"{GLOSSARY['nll']} Tokens are guessed row by row, each from those before it"
                + (", and from the class." if run.priors[drawing.tokenizer].n_classes else "."),
                caption=provenance(run, f"held-out image {index}"),
                data=tables.position_rows({label: maps[index]}, "bits"),
            )


def _extremes(run: Run, drawing: Drawing, totals: Array) -> None:
    order = np.argsort(totals, kind="stable")
    n = min(_N_EXTREMES, len(order) // 2)
    rows = [order[:n], order[::-1][:n]]
    names = fetching.held_out_of(run).class_names
    labels = fetching.held_out_of(run).labels.numpy()
    tiles = grey_tiles(np.stack([originals_of(run, tuple(row.tolist())) for row in rows]))
    texts = [f"image {i}, {names[labels[i]]}: {totals[i]:.1f} bits" for row in rows for i in row]
    show(
        mosaic_figure(tiles, row_labels=["easiest", "hardest"], tile_texts=texts, tile_size=60),
        "prior_extremes",
        alt=f"The {n} held-out images that surprise the prior least, and the {n} that surprise it most",
        title=f"From {totals.min():.0f} to {totals.max():.0f} bits: the easiest and the hardest to guess",
        caption=provenance(run, of_total(2 * n, len(totals), "held-out images")),
        data={"image": order, "class": [names[label] for label in labels[order]], "bits": totals[order]},
    )


def _mean_map(run: Run, drawing: Drawing, maps: Array) -> None:
    label, mean = tokenizer_style(drawing.tokenizer).label, maps.mean(axis=0)
    row, column = findings.extreme_position(mean)
    show(
        cell_maps_figure({label: mean}, unit="mean surprise (bits)"),
        "prior_positions",
        alt=f"Mean surprise at each of the {size_words(mean)} positions, prior over {label} tokens",
        title=f"On average hardest to guess at row {row}, column {column}",
        caption=provenance(run, of_total(len(maps), len(fetching.held_out_of(run)), "held-out images")),
        data=tables.position_rows({label: mean}, "bits"),
    )
