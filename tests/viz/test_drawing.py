import numpy as np
import plotly.graph_objects as go
import pytest

from geovq.viz.drawing import drawing_figure

TOKENS = np.arange(6).reshape(2, 3)
COLOURS = list(range(6))


def parts(n_drawn: int) -> tuple[go.Figure, go.Heatmap, go.Scatter]:
    figure = drawing_figure(np.zeros((8, 12)), TOKENS, n_drawn, COLOURS)
    (cells,) = (trace for trace in figure.data if trace.type == "heatmap")
    return figure, cells, next(trace for trace in figure.data if trace.type == "scatter")


def test_cells_that_are_still_to_come_are_empty_and_hatched() -> None:
    _, cells, hatching = parts(4)
    np.testing.assert_array_equal(np.isnan(cells.z), [[False, False, False], [False, True, True]])
    x, y = (np.array([value for value in values if value is not None]) for values in (hatching.x, hatching.y))
    assert (x.min(), x.max()) == (0.5, 2.5)
    assert (y.min(), y.max()) == (0.5, 1.5)


@pytest.mark.parametrize(("n_drawn", "n_strokes"), [(0, 18), (5, 3), (6, 0)])
def test_each_empty_cell_has_three_strokes(n_drawn: int, n_strokes: int) -> None:
    assert sum(x is None for x in parts(n_drawn)[2].x) == n_strokes


def test_the_newest_cell_is_framed_in_both_panels() -> None:
    frames = parts(4)[0].layout.shapes
    assert [(frame.x0, frame.y0) for frame in frames] == [(-0.5, 0.5)] * 2
    assert not parts(0)[0].layout.shapes


def test_picture_and_tokens_lie_on_the_axes_of_the_lattice() -> None:
    picture = parts(1)[0].data[0]
    assert picture.x0 + 11.5 * picture.dx == pytest.approx(2.5)  # right edge of the last pixel
    assert picture.y0 - picture.dy / 2 == pytest.approx(-0.5)
