"""Ellipses of one cell."""

import numpy as np

from geovq.viz.ellipses import ellipse_figure

ANGLES = np.linspace(0, 2 * np.pi, 37)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
NAMES, AXES = ("metric", "posterior"), ("one", "two")


def test_the_two_outlines_differ_in_more_than_colour_and_are_named() -> None:
    metric, posterior, _ = ellipse_figure(CIRCLE, 2 * CIRCLE, names=NAMES, axis_titles=AXES).data
    assert (metric.name, posterior.name) == NAMES
    assert (metric.fill, posterior.fill) == ("toself", None)
    assert posterior.line.dash == "dash"


def test_axes_have_equal_scales_and_hold_the_longest_outline() -> None:
    layout = ellipse_figure(CIRCLE, 2 * CIRCLE, names=NAMES, axis_titles=AXES).layout
    assert layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.range == layout.yaxis.range
    assert layout.xaxis.range[1] > 2
    assert layout.xaxis.title.text == "one"


def test_without_a_posterior_there_is_one_outline() -> None:
    figure = ellipse_figure(CIRCLE, None, names=NAMES, axis_titles=AXES)
    assert [trace.name for trace in figure.data if trace.mode == "lines"] == ["metric"]
