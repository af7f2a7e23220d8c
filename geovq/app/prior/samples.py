"""Samples of a prior, how good they are, and whether they were copied."""

import numpy as np
import streamlit as st

from geovq.app.prior import data as prior_data
from geovq.app.prior.controls import drawing_words
from geovq.app.prior.data import Drawing
from geovq.app.prior.quality import sample_quality
from geovq.app.shared.charts import show
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.viz import grey_tiles, in_rows, mosaic_figure, tokenizer_style

_N_COLUMNS = 16
_N_CLOSEST = 12
_FRECHET = (
    "Squared Fréchet distance between features of the samples and of 1,000 held-out images, in the eyes of a small "
    "classifier trained for this data set. Lower is better. It falls with the number of images, so compare it with "
    "that of as many real training images."
)


def samples_view(run: Run, drawing: Drawing) -> None:
    """Draw samples, how good they are, and the training images nearest to them."""
    n_samples = st.select_slider(
        "Samples", (16, 32, 64, 128), 64, key="prior_n", bind="query-params", persist_state="session", width=190
    )
    images = prior_data.samples(run, drawing, n_samples)
    show(
        mosaic_figure(in_rows(grey_tiles(images), _N_COLUMNS), tile_size=50),
        "prior_samples",
        alt=f"{n_samples} images drawn from the prior over {tokenizer_style(drawing.tokenizer).label} tokens",
        title=f"{n_samples} images that never existed",
        help=GLOSSARY["prior"],
        caption=provenance(run, drawing_words(run, drawing)),
    )
    _quality(run, drawing, n_samples)
    _nearest(run, drawing, n_samples)


@guarded
def _quality(run: Run, drawing: Drawing, n_samples: int) -> None:
    quality = sample_quality(run, drawing, n_samples)
    if quality is None:
        return
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            f"Fréchet distance (real images: {quality.real_frechet:.1f})",
            f"{quality.frechet:.1f}",
            help=_FRECHET,
            width="content",
        )
        st.metric(
            "Classes among the samples",
            f"{quality.n_covered} of {quality.n_classes}",
            help="As the classifier sees them.",
            width="content",
        )
        if quality.recognised is not None:
            st.metric(
                "Seen as the class asked for",
                f"{quality.recognised} of {n_samples}",
                help="By the classifier, which was trained on real images only.",
                width="content",
            )


@guarded
def _nearest(run: Run, drawing: Drawing, n_samples: int) -> None:
    images = prior_data.samples(run, drawing, n_samples)
    found, training_images = prior_data.nearest_training_images(run, drawing, n_samples)
    unseen = prior_data.nearest_of_unseen(run, n_samples)
    order = np.argsort(found.distances)[:_N_CLOSEST]
    tiles = grey_tiles(np.stack([images[order], training_images[order]]))
    closest = found.distances[order[0]]
    show(
        mosaic_figure(
            tiles, row_labels=["sample", "training"], column_labels=[f"{d:.2f}" for d in found.distances[order]]
        ),
        "prior_nearest",
        alt=f"The {len(order)} samples that are closest to a training image, each above that image, with the distance",
        title=f"Copied? The closest sample is {closest:.2f} away from a training image; "
        f"unseen real images come as close as {unseen.distances.min():.2f}",
        help="Distance: root of the summed squared pixel differences (white is 1), written above each pair; 0 is a "
        f"copy. On average it is {found.distances.mean():.2f} for these samples, and {unseen.distances.mean():.2f} for "
        f"{len(unseen.distances):,} held-out images.",
        caption=provenance(run, of_total(len(order), n_samples, "samples, closest first")),
        data={
            "sample": np.arange(n_samples),
            "nearest_training_image": found.indices,
            "distance": found.distances,
        },
    )
