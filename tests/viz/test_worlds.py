import numpy as np

from geovq.viz.field import FieldMap
from geovq.viz.worlds import chart_figure, surface_figure

FIELD = FieldMap(np.arange(4.0), np.arange(3.0), np.linspace(-1, 1, 12).reshape(3, 4))
CURVES = {name: np.linspace([0, i], [3, i], 7) for i, name in enumerate("ABC")}


def test_curves_carry_their_letters_and_look_different() -> None:
    figure = chart_figure(FIELD, CURVES, axis_titles=("longitude", "latitude"))
    letters = [annotation.text for annotation in figure.layout.annotations]
    assert letters[:3] == ["<b>A</b>", "<b>B</b>", "<b>C</b>"]
    named = [trace for trace in figure.data if trace.name]
    assert len({trace.line.color for trace in named}) == len({trace.line.dash for trace in named}) == 3


def test_the_surface_carries_the_same_curves_in_the_same_colours() -> None:
    flat = chart_figure(FIELD, CURVES, axis_titles=("longitude", "latitude"))
    lifted = {name: np.pad(points, ((0, 0), (0, 1))) for name, points in CURVES.items()}
    solid = surface_figure(np.zeros((3, 4, 3)), FIELD.log10_magnification, lifted)
    colours = [{trace.name: trace.line.color for trace in figure.data if trace.name} for figure in (flat, solid)]
    assert colours[0] == colours[1]
    assert solid.layout.scene.aspectmode == "data"
