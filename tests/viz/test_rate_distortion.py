import numpy as np

from geovq.viz.palette import tokenizer_style
from geovq.viz.rate_distortion import Measured, rate_error_figure

POINTS = [
    Measured("riemannian", "mnist/a", 64, 4.6, 0.0009, 0.0001, curve="same", role="a"),
    Measured("riemannian", "mnist/b", 16, 3.0, 0.0036, 0.0002, curve="same"),
    Measured("riemannian", "mnist/a", 64, 4.6, 0.0007, 0.0001, refitted=True, curve="same"),
    Measured("kmeans", "mnist/c", 64, 5.2, 0.0015, 0.0001, curve="other", role="b"),
]


def lines() -> list:
    return [trace for trace in rate_error_figure(POINTS, error_title="MSE").data if trace.mode == "lines"]


def test_points_that_differ_in_the_number_of_codes_only_are_joined_in_its_order() -> None:
    (line,) = lines()
    assert (list(line.x), list(line.y)) == ([3.0, 4.6], [0.0036, 0.0009])
    assert line.line.color == tokenizer_style("riemannian").colour


def test_points_of_different_autoencoders_are_not_joined() -> None:
    apart = [Measured("kmeans", f"mnist/{name}", k, k / 10, 0.1, 0.0) for name, k in (("a", 16), ("b", 32))]
    assert not [trace for trace in rate_error_figure(apart, error_title="MSE").data if trace.mode == "lines"]


def test_a_refitted_decoder_has_a_hollow_mark_of_the_same_colour() -> None:
    marks = {trace.name: trace.marker for trace in rate_error_figure(POINTS, error_title="MSE").data if trace.name}
    own, refit = marks["Riemannian"], marks["Riemannian, refitted decoder"]
    assert (refit.symbol, refit.color) == (f"{own.symbol}-open", own.color)


def test_the_two_that_are_compared_are_named_beside_their_marks() -> None:
    texts = [text for trace in rate_error_figure(POINTS, error_title="MSE").data for text in trace.text or () if text]
    assert sorted(text.split()[0] for text in texts) == ["<b>A</b>", "<b>B</b>"]


def test_axes_carry_units_and_whiskers_are_two_standard_errors() -> None:
    figure = rate_error_figure(POINTS[:1], error_title="MSE (pixel²)")
    assert "(bits per token)" in figure.layout.xaxis.title.text
    assert "MSE (pixel²)" in figure.layout.yaxis.title.text
    np.testing.assert_allclose(figure.data[0].error_y.array, [0.0002])
