import json

import numpy as np
import pytest

from geovq.viz import token_grids_figure
from geovq.viz.signed_table import signed_table_figure
from geovq.viz.token_cells import clickable_cells, frame_cells, lattice_pictures_figure

TOKENS = np.arange(6).reshape(2, 3)


def test_frames_go_around_the_cells_of_the_mask_in_every_panel() -> None:
    figure = token_grids_figure({"a": TOKENS, "b": TOKENS}, {"a": [0] * 6, "b": [0] * 6})
    frame_cells(figure, TOKENS == 5, 2)
    frames = [trace for trace in figure.data if trace.type == "scatter"]
    assert [frame.xaxis for frame in frames] == ["x", "x", "x2", "x2"]
    assert len({frame.line.color for frame in frames}) == 2  # seen on light and on dark cells
    assert np.nanmean(frames[0].x[:4]) == pytest.approx(2, abs=1e-6)  # column and row of token 5
    assert np.nanmean(frames[0].y[:4]) == pytest.approx(1, abs=1e-6)


def test_a_click_names_row_and_column() -> None:
    figure = clickable_cells(token_grids_figure({"a": TOKENS}, {"a": [0] * 6}), (2, 3))
    pointer = figure.data[-1]
    cells = json.loads(figure.to_json())["data"][-1]["customdata"]  # as the browser has it and sends it back
    assert cells == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert list(pointer.x) == [column for _, column in cells]
    assert figure.layout.clickmode == "event+select"


def test_pictures_fill_the_lattice_and_one_cell_is_framed() -> None:
    tile = np.zeros((8, 12, 4), dtype=np.uint8)
    figure = lattice_pictures_figure({"before": tile, "after": tile}, (2, 3), (1, 2))
    for trace in figure.data:
        assert trace.x0 - trace.dx / 2 == pytest.approx(-0.5)
        assert trace.x0 + 11.5 * trace.dx == pytest.approx(2.5)
        assert trace.y0 + 7.5 * trace.dy == pytest.approx(1.5)
    frames = [shape for shape in figure.layout.shapes if shape.x0 == 1.5]
    assert [(frame.x1, frame.y0, frame.y1) for frame in frames] == [(2.5, 0.5, 1.5)] * 2


def test_signs_say_what_colours_say_and_what_was_never_met_is_at_the_end_of_the_scale() -> None:
    values = np.array([[1.5, 0.2, -np.inf], [np.nan, -1.0, 9.0]])
    figure = signed_table_figure(
        values,
        [["a"] * 3] * 2,
        row_labels=["r", "s"],
        column_labels=["1", "2", "3"],
        titles=("code", "class"),
        unit="bits",
    )
    cells, signs = figure.data
    np.testing.assert_allclose(np.asarray(cells.z), [[1.5, 0.2, -3], [np.nan, -1, 3]], rtol=1e-6)
    assert dict(zip(zip(signs.x, signs.y, strict=True), signs.text, strict=True)) == {
        (0, 0): "+",
        (2, 0): "−",
        (1, 1): "−",
        (2, 1): "+",
    }
    assert figure.layout.coloraxis.cmin == -figure.layout.coloraxis.cmax
