from geovq.viz import RatePoint, rate_distortion_figure
from geovq.viz.palette import tokenizer_style

POINTS = [
    RatePoint("kmeans", "mnist/a", 64, 5.2, 0.0015, 0.0001),
    RatePoint("riemannian", "mnist/a", 64, 4.6, 0.0009, 0.0001),
    RatePoint("riemannian", "mnist/b", 16, 3.0, 0.0036, 0.0002, context=True),
]


def test_points_of_a_tokenizer_share_colour_and_symbol() -> None:
    figure = rate_distortion_figure(POINTS)
    style = tokenizer_style("riemannian")
    drawn = [trace for trace in figure.data if trace.marker.color == style.colour]
    assert {trace.marker.symbol for trace in drawn} == {style.symbol, style.symbol + "-open"}


def test_other_runs_are_hollow_and_named_as_such() -> None:
    hollow = [trace for trace in rate_distortion_figure(POINTS).data if trace.marker.symbol.endswith("-open")]
    assert [(list(trace.x), trace.name) for trace in hollow] == [([3.0], "Riemannian, other runs")]


def test_whiskers_are_two_standard_errors_and_axes_carry_units() -> None:
    figure = rate_distortion_figure(POINTS)
    assert list(figure.data[0].error_y.array) == [0.0002]
    assert "(bits per token)" in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.type == "log"
    assert "pixel" in figure.layout.yaxis.title.text
