"""Small maps of a lattice: what can be clicked, how large marks are, where the frames stand."""

import numpy as np
import pytest

from geovq.viz import cell_maps_figure, token_grids_figure
from geovq.viz.lattice import over_picture_figure, small_map, where_figure

PICTURE = np.linspace(0, 1, 28 * 28).reshape(28, 28)
VALUES = np.arange(49, dtype=float).reshape(7, 7)


def figures() -> list:
    return [
        over_picture_figure(PICTURE, VALUES, unit="nats", limits=(0, 48)),
        small_map(cell_maps_figure({"mean": VALUES}, unit="latent", signed=True), (7, 7), "latent"),
        small_map(token_grids_figure({"k": VALUES.astype(int)}, {"k": list(range(49))}), (7, 7)),
    ]


@pytest.mark.parametrize("index", range(3))
def test_every_cell_can_be_clicked_and_names_itself(index: int) -> None:
    marks = figures()[index].data[-1]
    assert marks.customdata[7 * 2 + 5] == "2,5"
    assert (marks.y[7 * 2 + 5], marks.x[7 * 2 + 5]) == (2, 5)
    assert len(marks.customdata) == 49
    assert marks.hoverinfo != "skip"  # what is skipped on hover cannot be clicked


@pytest.mark.parametrize("index", range(3))
def test_rows_are_counted_downwards_in_a_square_that_cannot_be_zoomed(index: int) -> None:
    layout = figures()[index].layout
    assert layout.yaxis.range == (6.5, -0.5)
    assert layout.xaxis.range == (-0.5, 6.5)
    assert layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.fixedrange


def test_larger_values_have_larger_marks_and_those_beyond_the_scale_look_like_its_end() -> None:
    marks = over_picture_figure(PICTURE, VALUES, unit="nats", limits=(10, 40)).data[1].marker
    sizes = np.array(marks.size)
    assert (np.diff(sizes[10:41]) > 0).all()
    assert len(set(sizes[:11])) == len(set(sizes[40:])) == 1
    assert (min(marks.color), max(marks.color)) == (10, 40)


def test_the_picture_fills_the_cells() -> None:
    picture = over_picture_figure(PICTURE, VALUES, unit="nats", limits=(0, 48)).data[0]
    assert picture.x0 - picture.dx / 2 == pytest.approx(-0.5)
    assert picture.x0 + 27.5 * picture.dx == pytest.approx(6.5)


def test_cells_say_what_they_hold_on_hover() -> None:
    over, means, tokens = figures()
    assert over.data[-1].text[8] == "8.0 nats"
    assert means.data[-1].text[8] == "8.000 latent"
    assert tokens.data[-1].text[8] == "code 8"


def test_a_colour_bar_has_its_unit_as_title_and_tokens_have_none() -> None:
    over, means, tokens = figures()
    assert over.layout.coloraxis.colorbar.title.text == "nats"
    assert means.layout.coloraxis.colorbar.title.text == "latent"
    assert tokens.layout.coloraxis.colorbar.title.text is None


def test_frames_stand_around_the_cell_and_its_footprint() -> None:
    footprint, cell = where_figure(PICTURE, (7, 7), (3, 4), (slice(8, 20), slice(12, 24))).layout.shapes
    assert (cell.x0, cell.x1, cell.y0, cell.y1) == (3.5, 4.5, 2.5, 3.5)
    assert (footprint.x0, footprint.x1, footprint.y0, footprint.y1) == (
        2.5,
        5.5,
        1.5,
        4.5,
    )  # 3 cells of 4 pixels
    assert footprint.line.dash != cell.line.dash
