"""The study over seeds and codebook sizes, from the table that travels with geovq, with the chosen runs laid in."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from geovq.app.compare.data import Side
from geovq.app.compare.table import measured_points
from geovq.app.shared.caching import shared
from geovq.app.shared.charts import show
from geovq.app.shared.links import warn_of_unknown
from geovq.app.shared.states import guarded
from geovq.bundle import bundled
from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.study.bands import Series, all_series, band, seed_ratios, unquantized_error
from geovq.study.table import TABLE_NAME, StudyRow, shipped_table
from geovq.viz import tokenizer_style
from geovq.viz.study import StudyCurve, StudyPanel, study_figure

_DATASETS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}
_SEARCHES = {"both": ("own", "joint"), "own rule": ("own",), "together": ("joint",)}
_DECODERS = {"the autoencoder's own": False, "refitted": True}
_FIRST = ("weighted", "riemannian", "kmeans", "vqvae")  # that are shown unless others are chosen
_RIVAL = "vqvae"


@st.fragment
@guarded
def study_section(a: Side, b: Side) -> None:
    """The curves, or one sentence where no table ships."""
    st.subheader("What holds over seeds and sizes?")
    path = bundled("assets", "study", TABLE_NAME)
    rows = _rows(path.stat().st_mtime_ns if path.is_file() else 0)
    every = all_series(rows or ())
    if rows is None or not every:
        st.caption("No study comes with this geovq; the command geovq study makes one.")
        return
    names = [name for name in TOKENIZERS if any(series.tokenizer == name for series in every)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Tokenizers",
            names,
            default=[name for name in _FIRST if name in names] or names,
            format_func=lambda name: tokenizer_style(name).label,
            key="compare_study_tokenizers",
            bind="query-params",
            persist_state="session",
            width=420,
        )
        warn_of_unknown("compare_study_search", list(_SEARCHES), "how tokens are chosen")
        search = st.segmented_control(
            "Tokens chosen",
            list(_SEARCHES),
            default="both",
            required=True,
            key="compare_study_search",
            bind="query-params",
            help="By each tokenizer's own rule, cell by cell, or all cells of an image together (joint search).",
        )
        warn_of_unknown("compare_study_decoder", list(_DECODERS), "the decoder")
        decoder = st.segmented_control(
            "Decoder",
            list(_DECODERS),
            default=next(iter(_DECODERS)),
            required=True,
            key="compare_study_decoder",
            bind="query-params",
            help="A refitted copy of the decoder learned to paint images from these tokens.",
        )
    shown = [
        series
        for series in every
        if series.tokenizer in chosen and series.search in _SEARCHES[search] and series.refit == _DECODERS[decoder]
    ]
    if not shown:
        st.caption("The study has no points of these; choose other tokenizers, another search or the other decoder.")
        return
    _curves(a, b, rows, shown)


@shared(1, False)
def _rows(changed_ns: int) -> tuple[StudyRow, ...] | None:
    """The shipped table, read again when its file changes."""
    return shipped_table()


def _curves(a: Side, b: Side, rows: Sequence[StudyRow], shown: Sequence[Series]) -> None:
    datasets = [name for name in _DATASETS if any(series.dataset == name for series in shown)]
    here = a.run.config.data.dataset.removesuffix("-sample")
    laid_in = [point for point in measured_points(a, b, "mse", []) if point.refitted == shown[0].refit]
    panels = [
        StudyPanel(
            _DATASETS[dataset],
            [_curve(series) for series in shown if series.dataset == dataset],
            laid_in if dataset == here else (),
            unquantized_error(rows, dataset),
        )
        for dataset in datasets
    ]
    n_images = sorted({row.n_images for series in shown for row in series.rows})
    n_seeds = max(len(series.seeds) for series in shown)
    seeds = f"{n_seeds} {'seed' if n_seeds == 1 else 'seeds'}"
    counts = " or ".join(f"{n:,}" for n in n_images)
    show(
        study_figure(panels),
        "compare_study",
        alt=f"Error against rate of {len({series.tokenizer for series in shown})} tokenizers on "
        f"{len(datasets)} data sets, with bands over {seeds}",
        title=study_finding(shown, here if here in datasets else datasets[0]),
        help="Lines: mean over the seeds of the curves through the points that no other dominates; bands reach from "
        "the lowest to the highest seed. Dotted with hollow marks: tokens by own rule; solid with filled marks: chosen "
        "together. Round marks with a grey rim are the tokenizers of the runs above, A and B by their letters.",
        caption=f"{counts} held-out images, {seeds} of the autoencoder",
        data=[vars(row) for series in shown for row in series.rows],
    )


def _curve(series: Series) -> StudyCurve:
    points = np.array([(row.bits_per_token, row.mse, row.n_codes) for row in series.rows])
    found = band(series)
    nothing = np.empty(0)
    if found is None:
        return StudyCurve(series.tokenizer, series.search, points, nothing, nothing, nothing, nothing)
    return StudyCurve(series.tokenizer, series.search, points, found.rates, found.mean, found.low, found.high)


def study_finding(shown: Sequence[Series], dataset: str) -> str:
    """The best known of what is shown against the VQ-VAE by the same search, on one data set."""
    by_name = {(series.tokenizer, series.search): series for series in shown if series.dataset == dataset}
    for search, words in (("joint", "chosen together"), ("own", "own rule")):
        rival = by_name.get((_RIVAL, search))
        ours = next((by_name[name, search] for name in ("weighted", "riemannian") if (name, search) in by_name), None)
        ratios = None if rival is None or ours is None else seed_ratios(ours, rival)
        if ours is not None and ratios is not None:
            labels = (tokenizer_style(name).label for name in (ours.tokenizer, _RIVAL))
            return f"{_DATASETS[dataset]}, {words}: {ratios.sentence(*labels)}"
    return "Error against rate: left and down is better"
