import numpy as np

from geovq.viz.embedding import embedding_figure
from geovq.viz.field import Grouping

GROUPING = Grouping(np.arange(20) % 2, ["a", "b"], [0, 1], in_legend=True)
PICTURES = {name: np.random.default_rng(i).normal(size=(20, 2)) for i, name in enumerate(("straight", "geodesic"))}


def test_a_landmark_has_the_same_colour_in_both_pictures_and_one_entry_in_the_legend() -> None:
    figure = embedding_figure(PICTURES, GROUPING)
    colours = [{int(i): trace.marker.color for trace in figure.data if trace.xaxis == axis for i in trace.customdata}
               for axis in ("x", "x2")]  # fmt: skip
    assert colours[0] == colours[1]
    assert [trace.name for trace in figure.data if trace.showlegend] == ["a", "b"]


def test_axes_have_neither_numbers_nor_a_common_scale() -> None:
    layout = embedding_figure(PICTURES, GROUPING).layout
    assert layout.xaxis2.matches is None
    assert not layout.xaxis.showticklabels
    assert [annotation.text for annotation in layout.annotations] == ["straight", "geodesic"]
