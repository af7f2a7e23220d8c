import numpy as np

from geovq.viz.balls import balls_figure

POSITIONS = np.arange(12.0).reshape(6, 2)
DISC = np.array([1, 1, 1, 0, 0, 0], dtype=bool)
BALL = np.array([1, 0, 0, 1, 0, 0], dtype=bool)


def test_every_landmark_is_in_exactly_one_group_that_says_its_size() -> None:
    figure = balls_figure(POSITIONS, 0, DISC, BALL, 2.5, axis_titles=("x", "y"))
    groups = {trace.name: list(trace.customdata) for trace in figure.data if trace.name}
    assert groups == {
        "in neither: 2": [4, 5],
        "in both: 1": [0],
        "only in the Euclidean disc: 2": [1, 2],
        "only in the geodesic ball: 1": [3],
    }


def test_groups_differ_in_colour_and_symbol() -> None:
    figure = balls_figure(POSITIONS, 0, DISC, BALL, 2.5, axis_titles=("x", "y"))
    inside = [trace.marker for trace in figure.data if trace.name and "neither" not in trace.name]
    assert len({marker.color for marker in inside}) == len({marker.symbol for marker in inside}) == 3


def test_the_circle_has_the_radius_of_the_disc_around_the_centre() -> None:
    (circle,) = balls_figure(POSITIONS, 1, DISC, BALL, 2.5, axis_titles=("x", "y")).layout.shapes
    assert (circle.x0, circle.x1, circle.y0, circle.y1) == (-0.5, 4.5, 0.5, 5.5)
