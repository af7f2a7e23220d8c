import numpy as np

from geovq.viz.field import FieldMap
from geovq.viz.plane import plane_figure

FIELD = FieldMap(np.arange(4.0), np.arange(3.0), np.arange(12.0).reshape(3, 4))
POSITIONS = np.array([[0.0, 1.0], [2.0, 0.5]])


def drawn(n_ellipses: int):
    return plane_figure(FIELD, np.zeros((n_ellipses, 5, 2)), POSITIONS, axis_titles=("a", "b"))


def test_field_landmarks_and_ellipses_lie_on_one_plane_of_equal_scale() -> None:
    figure = drawn(2)
    assert [trace.type for trace in figure.data] == ["heatmap", "scatter", "scatter"]
    landmarks = figure.layout.images[0]
    assert landmarks.x < POSITIONS[:, 0].min() < POSITIONS[:, 0].max() < landmarks.x + landmarks.sizex
    assert figure.layout.yaxis.scaleanchor == "x"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("a", "b")


def test_without_ellipses_nothing_is_drawn_for_them() -> None:
    assert len(drawn(0).data) == 1
