"""Curves of a study: bands, searches told apart by line and mark, and each name once in the legend."""

import numpy as np
import pytest

from geovq.viz.rate_distortion import Measured
from geovq.viz.study import StudyCurve, StudyPanel, study_figure

RATES = np.linspace(4.0, 8.0, 5)
MEAN = 4.0**-RATES


def curve(tokenizer: str, search: str, drawn: bool = True) -> StudyCurve:
    points = np.array([[4.0, 4.0**-4, 16], [8.0, 4.0**-8, 256]])
    nothing = np.empty(0)
    lines = (RATES, MEAN, MEAN / 2, MEAN * 2) if drawn else (nothing,) * 4
    return StudyCurve(tokenizer, search, points, *lines)


def test_every_curve_has_a_band_between_its_lowest_and_highest_seed() -> None:
    low, high, mean, points = study_figure([StudyPanel("MNIST", [curve("weighted", "joint")])]).data
    np.testing.assert_allclose(low.y, MEAN / 2)
    np.testing.assert_allclose(high.y, MEAN * 2)
    assert high.fill == "tonexty"
    np.testing.assert_allclose(mean.y, MEAN)
    assert list(points.customdata) == [16, 256]


def test_the_two_searches_differ_in_line_and_mark_but_not_in_colour() -> None:
    figure = study_figure([StudyPanel("MNIST", [curve("weighted", "own"), curve("weighted", "joint")])])
    own, joint = (trace for trace in figure.data if trace.mode == "markers")
    assert (own.marker.color, own.marker.symbol) == (joint.marker.color, f"{joint.marker.symbol}-open")
    assert {trace.line.dash for trace in figure.data if trace.mode == "lines" and trace.line.dash} == {"dot", "solid"}


def test_a_name_stands_once_in_the_legend_of_both_panels() -> None:
    panels = [StudyPanel(title, [curve("vqvae", "own")], unquantized=0.002) for title in ("MNIST", "FashionMNIST")]
    shown = [trace.name for trace in study_figure(panels).data if trace.showlegend]
    assert sorted(shown) == ["VQ-VAE, own rule", "autoencoder, no tokens"]


def test_points_without_a_curve_are_drawn_alone_and_chosen_runs_bear_their_letter() -> None:
    run = Measured("kmeans", "mnist/full", 256, 6.6, 0.004, 0.0, role="b")
    figure = study_figure([StudyPanel("MNIST", [curve("weighted", "own", drawn=False)], [run])])
    points, chosen = figure.data
    assert points.mode == "markers"
    assert (chosen.x[0], chosen.y[0]) == pytest.approx((6.6, 0.004))
    assert "B" in chosen.text[0]
