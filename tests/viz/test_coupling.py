"""Maps of couplings and pixels that two cells share."""

import numpy as np
import pytest

from geovq.viz.coupling import coupling_figure, shared_pixels_figure, shared_window

VALUES = np.array([[0.0, 0.4, 0.0], [-0.2, 1.0, 0.1]])
COUPLED = np.array([[False, True, False], [True, True, True]])


def test_the_cell_itself_neither_sets_the_scale_nor_bears_a_number() -> None:
    figure = coupling_figure({"a": VALUES, "b": VALUES / 2}, COUPLED, (1, 1))
    assert figure.layout.coloraxis.cmax == -figure.layout.coloraxis.cmin == pytest.approx(0.4)
    texts = next(figure.select_traces(selector={"mode": "text"})).text
    assert list(texts) == ["", "0.40", "", "−0.20", "", "0.10"]


def test_only_cells_that_share_pixels_can_be_clicked_in_either_map() -> None:
    marks = [trace for trace in coupling_figure({"a": VALUES, "b": VALUES}, COUPLED, (1, 1)).data if trace.customdata]
    assert [list(trace.customdata) for trace in marks] == [["0,1", "1,0", "1,2"]] * 2
    assert [trace.xaxis for trace in marks] == ["x", "x2"]
    assert list(marks[0].text) == ["+0.400", "−0.200", "+0.100"]


def test_boxes_share_what_lies_in_both() -> None:
    first, second = (slice(0, 12), slice(4, 16)), (slice(4, 16), slice(8, 20))
    assert shared_window(first, second) == shared_window(second, first) == (slice(4, 12), slice(8, 16))
    assert shared_window(first, (slice(12, 14), slice(4, 8))) is None


def test_the_shared_pixels_are_shaded_where_they_are() -> None:
    cells = ((0, 1), (slice(0, 8), slice(0, 12))), ((1, 2), (slice(4, 8), slice(4, 12)))
    shapes = shared_pixels_figure(np.zeros((8, 12)), (2, 3), *cells).layout.shapes
    (shaded,) = [shape for shape in shapes if shape.fillcolor]
    assert (shaded.x0, shaded.x1, shaded.y0, shaded.y1) == (0.5, 2.5, 0.5, 1.5)
    apart = ((0, 0), (slice(0, 4), slice(0, 4))), ((1, 2), (slice(4, 8), slice(8, 12)))
    assert not any(s.fillcolor for s in shared_pixels_figure(np.zeros((8, 12)), (2, 3), *apart).layout.shapes)
