import numpy as np
import pytest

from geovq.viz import Landmarks, cluster_size_figure, landmarks_figure, usage_figure
from geovq.viz.palette import DEAD, tokenizer_style

COUNTS = {"euclidean": np.array([5, 0, 20, 75]), "riemannian": np.array([25, 25, 25, 25])}


def traces(figure, kind: str) -> list:
    return [trace for trace in figure.data if trace.type == kind]


def test_codes_are_sorted_and_their_shares_sum_to_a_hundred_percent() -> None:
    euclidean, riemannian = traces(usage_figure(COUNTS), "bar")
    np.testing.assert_allclose(euclidean.y, [75, 20, 5, 0])
    np.testing.assert_array_equal(np.asarray(euclidean.customdata)[:, 0], [3, 2, 0, 1])
    assert sum(riemannian.y) == pytest.approx(100)


def test_dead_codes_are_crossed_out_and_counted_in_the_title() -> None:
    figure = usage_figure(COUNTS)
    (crosses,) = traces(figure, "scatter")
    assert (crosses.marker.symbol, crosses.marker.color) == ("x", DEAD)
    assert list(crosses.x) == [4]
    assert 0 < crosses.y[0] < 5  # below the least used code, where a logarithmic axis can show it
    assert list(crosses.customdata) == [1]
    assert [a.text for a in figure.layout.annotations] == [
        "Euclidean: 3 of 4 used, 1 dead (×)",
        "Riemannian: 4 of 4 used",
    ]


def test_panels_share_their_axes_and_name_their_units() -> None:
    figure = usage_figure(COUNTS)
    assert figure.layout.yaxis2.matches == "y"
    assert figure.layout.xaxis2.matches == "x"
    assert figure.layout.yaxis.title.text == "share of tokens (%), log scale"


def test_a_tokenizer_keeps_its_colour_in_every_figure() -> None:
    for figure in (usage_figure(COUNTS), cluster_size_figure(COUNTS, unit="landmarks")):
        assert [t.marker.color for t in traces(figure, "bar")] == [tokenizer_style(name).colour for name in COUNTS]


def test_cluster_sizes_stay_counts() -> None:
    figure = cluster_size_figure(COUNTS, unit="landmarks")
    np.testing.assert_array_equal(traces(figure, "bar")[0].y, [75, 20, 5, 0])
    assert figure.layout.yaxis.title.text == "cluster size (landmarks), log scale"


def test_unused_codebooks_divide_by_nothing() -> None:
    bars = traces(usage_figure({"kmeans": np.zeros(3, dtype=int)}), "bar")[0]
    np.testing.assert_array_equal(bars.y, [0, 0, 0])


def test_landmarks_wear_the_colour_of_their_medoid_on_axes_of_equal_scale() -> None:
    medoids = np.array([[0.0, 0.0], [5.0, 5.0]])
    part = Landmarks(np.array([[0.1, 0.0], [5.1, 5.0], [0.0, 0.2]]), np.array([0, 1, 0]), medoids)
    figure = landmarks_figure({"riemannian": part}, axis_titles=("direction 1 (60 % of variance)", "direction 2"))
    cloud, marks = figure.data
    assert cloud.type == "scattergl"
    assert list(cloud.marker.color) == [marks.marker.color[0], marks.marker.color[1], marks.marker.color[0]]
    assert marks.marker.color[0] != marks.marker.color[1]
    assert marks.marker.symbol == "diamond"
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.xaxis.title.text == "direction 1 (60 % of variance)"


def test_a_chosen_code_is_pointed_at_in_the_panel_of_its_tokenizer() -> None:
    figure = cluster_size_figure(COUNTS, unit="landmarks", chosen=("euclidean", 2))
    pointer = next(a for a in figure.layout.annotations if a.text == "<b>code 2</b>")
    assert (pointer.x, pointer.xref) == (2, "x")  # the second largest
    assert pointer.y == pytest.approx(np.log10(20))


def test_shares_are_no_counts_and_have_no_dead_codes() -> None:
    figure = cluster_size_figure({"kmeans": np.array([99.5, 0.5, 0.0])}, unit="% of the area", chosen=("kmeans", 2))
    assert not traces(figure, "scatter")
    assert np.isfinite(figure.layout.annotations[-1].y)
