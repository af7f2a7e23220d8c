import numpy as np

from geovq.catalogue.output_geometries import OUTPUT_GEOMETRIES
from geovq.viz.field import FieldMap
from geovq.viz.paths import DrawnCurve, curve_style, curves_figure, pixel_speed_figure

FIELD = FieldMap(np.arange(4.0), np.arange(3.0), np.linspace(-1, 1, 12).reshape(3, 4))
KINDS = ("straight", "graph", "relaxed")
CURVES = {
    name: DrawnCurve(np.linspace([0, 0], [3, i], 5), np.array([1.0, 2.0, 3.0, 4.0]) / (i + 1))
    for i, name in enumerate(KINDS)
}


def test_curves_differ_in_colour_dash_and_symbol() -> None:
    styles = [curve_style(name) for name in KINDS]
    for part in ("colour", "dash", "symbol", "label"):
        assert len({getattr(style, part) for style in styles}) == 3


def test_every_curve_is_drawn_from_a_to_b_on_a_plane_of_equal_scales() -> None:
    figure = curves_figure(FIELD, CURVES, axis_titles=("x", "y"))
    drawn = {trace.name: trace for trace in figure.data if trace.name}
    assert set(drawn) == {curve_style(name).label for name in KINDS}
    np.testing.assert_allclose(drawn["graph geodesic"].y, CURVES["graph"].points[:, 1])
    assert [annotation.text for annotation in figure.layout.annotations] == ["<b>A</b>", "<b>B</b>"]
    assert figure.layout.yaxis.scaleanchor == "x"


def test_cumulative_length_is_the_sum_of_the_speeds_and_starts_at_zero() -> None:
    figure = pixel_speed_figure(CURVES)
    straight = {trace.xaxis: trace for trace in figure.data if trace.name == "straight line"}
    speed, length = straight["x"], straight["x2"]
    np.testing.assert_allclose(speed.y, [1, 2, 3, 4])
    np.testing.assert_array_equal(speed.x, [1, 2, 3, 4])
    np.testing.assert_allclose(length.y, [0, 1, 3, 6, 10])


def test_speed_and_length_have_scales_of_their_own_with_units() -> None:
    layout = pixel_speed_figure(CURVES).layout
    assert layout.yaxis2.matches is None
    assert "per step" in layout.yaxis.title.text
    assert "pixel intensity (L2)" in layout.yaxis2.title.text


def test_speed_and_length_say_the_unit_of_the_output_geometry() -> None:
    for geometry in OUTPUT_GEOMETRIES.values():
        layout = pixel_speed_figure(CURVES, geometry).layout
        assert layout.annotations[0].text == geometry.speed
        assert (layout.yaxis.title.text, layout.yaxis2.title.text) == (f"{geometry.length} per step", geometry.length)
