"""Where the two distances disagree: the verdict, a map of all landmarks that were asked, and the worst cases."""

from typing import Any

import numpy as np
import streamlit as st

from geovq.app.neighbourhoods import data
from geovq.app.neighbourhoods.controls import choose, picked_query
from geovq.app.neighbourhoods.data import Agreement
from geovq.app.shared.caching import shared
from geovq.app.shared.charts import show
from geovq.app.shared.plane_axes import axis_titles, plane_words
from geovq.app.shared.readable import readable, theme
from geovq.app.shared.scene import Scene, scene_of
from geovq.app.shared.selection import of_total, provenance
from geovq.runs import Run
from geovq.viz.agreement import agreement_figure
from geovq.viz.arrays import Array

_MEASURE, _OVERLAP, _CORRELATION = "neighbourhoods_measure", "overlap", "rank correlation"
_N_WORST = 8


def verdict(run: Run, agreement: Agreement, k: int) -> None:
    """What the numbers say, first."""
    in_both, by_euclid, by_geodesic = (
        agreement.mean_shared(*pair, k)
        for pair in (("euclidean", "geodesic"), ("pixels", "euclidean"), ("pixels", "geodesic"))
    )
    st.markdown(
        f"**Of the {k} nearest by Euclid, {in_both:.1f} on average are also among the {k} nearest by the decoder's "
        f"geodesics. Of the {k} that look most alike in pixels, geodesics find {by_geodesic:.1f} and Euclid "
        f"{by_euclid:.1f}.**"
    )
    st.caption(provenance(run, f"mean over {_asked(agreement)}, each against all others"))


def agreement_map(run: Run, scene: Scene, agreement: Agreement, k: int) -> None:
    """The map, switchable, and the worst cases as buttons."""
    st.subheader("Where does geometry matter?")
    measure = st.segmented_control(
        "Agreement of Euclid and geodesic",
        [_OVERLAP, _CORRELATION],
        required=True,
        default=_OVERLAP,
        format_func=lambda name: f"overlap of the {k} nearest" if name == _OVERLAP else name,
        key=_MEASURE,
        bind="query-params",
        help=f"Overlap: how many of the {k} nearest are the same. Rank correlation: Spearman's, over the "
        f"{agreement.n_correlated} nearest by Euclid; 1 is the same order, 0 none.",
    )
    left, right = st.columns([3, 1])
    with left:
        _map(run, scene, agreement, k, is_overlap=measure == _OVERLAP)
    with right:
        _worst_cases(agreement, k)


def _map(run: Run, scene: Scene, agreement: Agreement, k: int, *, is_overlap: bool) -> None:
    overlaps, members = agreement.overlap("euclidean", "geodesic", k), agreement.members
    values = overlaps if is_overlap else agreement.correlation
    show(
        _figure(run, k, is_overlap, theme()),
        "neighbourhoods_map",
        alt="The latent plane with one mark per landmark, large and dark where Euclid and geodesic disagree",
        title=_finding(values[np.isfinite(values)], is_overlap, k),
        help="Large and dark: the two distances disagree, most of all where landmarks lie densely and many are "
        "almost equally near. Grey: not asked. Click a mark to see its neighbours above.",
        caption=provenance(run, f"{_asked(agreement)}, {plane_words(scene)}"),
        data={
            "landmark": members,
            "x": scene.positions[members, 0],
            "y": scene.positions[members, 1],
            f"overlap of the {k} nearest": overlaps,
            f"rank correlation over {agreement.n_correlated}": agreement.correlation,
        },
        select=picked_query,
    )


@shared(32, False)
def _figure(run: Run, k: int, is_overlap: bool, theme: str) -> Any:
    scene, agreement = scene_of(run), data.agreement(run)
    return readable(
        agreement_figure(
            scene.positions,
            agreement.members,
            agreement.overlap("euclidean", "geodesic", k) if is_overlap else agreement.correlation,
            title=f"overlap of the {k} nearest<br>(share)" if is_overlap else "Spearman's correlation",
            limits=(0.0, 1.0),
            axis_titles=axis_titles(scene),
        )
    )


def _finding(values: Array, is_overlap: bool, k: int) -> str:
    if is_overlap:
        return f"For {(values < 0.5).mean():.0%} of the landmarks more than half of the {k} neighbours change"
    low, middle = np.quantile(values, [0.1, 0.5])
    return f"The order of neighbours correlates at {middle:.2f} for the median landmark, below {low:.2f} for a tenth"


def _worst_cases(agreement: Agreement, k: int) -> None:
    st.markdown(
        "**Worst cases**",
        help=f"Fewest shared neighbours first, among the half of the landmarks whose {k} nearest by Euclid differ most "
        "in pixels: where landmarks lie densely, neighbours look too much alike to tell lists apart.",
    )
    n_shared = np.rint(k * agreement.overlap("euclidean", "geodesic", k)).astype(int)
    of_member = dict(zip(agreement.members.tolist(), n_shared.tolist(), strict=True))
    with st.container(gap="xsmall"):
        for landmark in agreement.worst_first(k)[:_N_WORST].tolist():
            st.button(
                f"#{landmark}: {of_member[landmark]} of {k} shared",
                key=f"neighbourhoods_worst_{landmark}",
                on_click=choose,
                args=(landmark,),
                help="Ask this landmark",
            )


def _asked(agreement: Agreement) -> str:
    return of_total(len(agreement.members), agreement.n_distinct, "distinct landmarks")
