"""How much each code stands for: in held-out cells, and in area with and without the decoder's magnification."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from geovq.app.codebook import data
from geovq.app.codebook.controls import Choice
from geovq.app.codebook.data import has_geometry
from geovq.app.shared.charts import show
from geovq.app.shared.scene import scene_of
from geovq.app.shared.selection import provenance
from geovq.codebook.areas import ClusterAreas
from geovq.runs import Run
from geovq.viz import cluster_size_figure, tokenizer_style
from geovq.viz.arrays import Array

_CELLS, _EUCLIDEAN, _RIEMANNIAN = "held-out cells", "Euclidean area", "Riemannian area"
_AREA_HELP = (
    "Area: every landmark stands for a part of the ball that reaches its k-th nearest landmark; a code has the sum "
    "over its landmarks. Riemannian: each part is first multiplied by √det G, which is how much the decoder enlarges "
    "it. Both as shares of the whole. With more than two active directions, areas are volumes."
)


def sizes(run: Run, choice: Choice) -> None:
    """Bars of all codes, largest first, under one of three measures."""
    st.subheader("How much work does each code do?")
    measured = {name: data.areas(run, name) for name in choice.names if has_geometry(run, name)}
    measure = st.segmented_control(
        "Measured in",
        [_CELLS, _EUCLIDEAN, _RIEMANNIAN] if measured else [_CELLS],
        default=_CELLS,
        required=True,
        key="codebook_measure",
        bind="query-params",
        help=_AREA_HELP,
    )
    values = _values(choice, measured, str(measure))
    chosen = (choice.tokenizer, choice.code) if choice.tokenizer in values else None
    show(
        cluster_size_figure(values, unit=_CELLS if measure == _CELLS else f"% of the {measure}", chosen=chosen),
        "codebook_sizes",
        alt=f"Cluster sizes in {measure}, largest first, one panel per tokenizer; code {choice.code} is pointed at",
        title=_finding(choice, measured.get(choice.tokenizer)),
        help="A cluster is all cells that are replaced by one code. The dashed line is where all would be equally "
        f"large. {_AREA_HELP}",
        caption=provenance(run, _counted(run, choice, str(measure))),
        data=_table(choice, measured),
    )


def largest_finding(counts: Array) -> str:
    """How few codes do half of the work."""
    ordered = np.sort(counts)[::-1]
    n_half = 1 + int(np.searchsorted(ordered.cumsum(), counts.sum() / 2))
    codes = "one code stands" if n_half == 1 else f"{n_half} codes stand"
    return f"{codes} for half of all held-out cells"


def _finding(choice: Choice, areas: ClusterAreas | None) -> str:
    counts = choice.usages[choice.tokenizer].counts
    largest = int(counts.argmax())
    text = (
        f"{choice.label}: {largest_finding(counts)}. The largest, code {largest}, has {_share(counts, largest)} of them"
    )
    if areas is None:
        return text
    return (
        f"{text}, {_share(areas.euclidean, largest)} of the Euclidean area and {_share(areas.riemannian, largest)} of "
        "the Riemannian"
    )


def _share(sizes: Array, code: int) -> str:
    return f"{sizes[code] / (sizes.sum() or 1):.1%}"


def _values(choice: Choice, measured: Mapping[str, ClusterAreas], measure: str) -> dict[str, Array]:
    if measure == _CELLS:
        return {name: usage.counts for name, usage in choice.usages.items()}
    return {
        name: 100 * (areas.euclidean if measure == _EUCLIDEAN else areas.riemannian) for name, areas in measured.items()
    }


def _counted(run: Run, choice: Choice, measure: str) -> str:
    if measure == _CELLS:
        usage = choice.usages[choice.tokenizer]
        return f"{usage.n_images:,} held-out images, {usage.position_used.size} cells each"
    n_landmarks = scene_of(run).n_landmarks
    missing = [tokenizer_style(name).label for name in choice.names if not has_geometry(run, name)]
    rest = f" · {', '.join(missing)} has a latent space of its own, where no metric was measured" if missing else ""
    return f"{n_landmarks:,} landmarks, k = {run.config.geometry.n_neighbors}{rest}"


def _table(choice: Choice, measured: Mapping[str, ClusterAreas]) -> dict[str, Array]:
    """Every measure of every code, one row per code; the smaller codebook ends in empty cells."""
    n_rows = max(len(usage.counts) for usage in choice.usages.values())
    table: dict[str, Array] = {"code": np.arange(n_rows)}
    for name, usage in choice.usages.items():
        table[f"{name}, held-out cells"] = _padded(usage.counts, n_rows)
        if name in measured:
            table[f"{name}, share of Euclidean area"] = _padded(measured[name].euclidean, n_rows)
            table[f"{name}, share of Riemannian area"] = _padded(measured[name].riemannian, n_rows)
    return table


def _padded(values: Array, n_rows: int) -> Array:
    if len(values) == n_rows:
        return values
    return np.pad(values.astype(float), (0, n_rows - len(values)), constant_values=np.nan)
