import numpy as np
import pytest

from geovq.viz.agreement import agreement_figure, landmark_plane_figure

POSITIONS = np.random.default_rng(0).normal(size=(30, 2))
MEMBERS = np.array([2, 5, 11, 20])
VALUES = np.array([0.9, 0.1, np.nan, 0.5])
AXES = ("direction 1", "direction 2")


def asked():
    figure = agreement_figure(POSITIONS, MEMBERS, VALUES, title="overlap", limits=(0.0, 1.0), axis_titles=AXES)
    return figure, figure.data[-1]


def test_every_landmark_that_was_asked_can_be_clicked_where_it_lies() -> None:
    _, marks = asked()
    assert sorted(marks.customdata) == [2, 5, 20]  # one has no value
    np.testing.assert_allclose(marks.x, POSITIONS[marks.customdata, 0], rtol=1e-6)


def test_disagreement_is_said_by_size_as_well_as_by_colour() -> None:
    _, marks = asked()
    assert list(marks.customdata) == [2, 20, 5]  # the worst is drawn last, on top
    assert (np.diff(marks.marker.size) > 0).all()
    assert (np.diff(marks.marker.color) < 0).all()


def test_the_colour_bar_names_the_measure_and_keeps_its_limits() -> None:
    axis = asked()[0].layout.coloraxis
    assert axis.colorbar.title.text == "overlap"
    assert (axis.cmin, axis.cmax) == (0, 1)


def test_the_plane_names_each_landmark_on_a_click_and_is_not_stretched() -> None:
    figure = landmark_plane_figure(POSITIONS, axis_titles=AXES)
    (cloud,) = figure.data
    np.testing.assert_array_equal(cloud.customdata, np.arange(30))
    assert figure.layout.yaxis.scaleanchor == "x"
    assert cloud.unselected.marker.opacity == pytest.approx(cloud.marker.opacity)
