import numpy as np
import pytest

from geovq.catalogue.output_geometries import OUTPUT_GEOMETRIES
from geovq.viz.field import FieldMap, Grouping, broken_lines, field_figure
from geovq.viz.palette import QUALITATIVE

VALUES = np.linspace(-2, 0.5, 12).reshape(3, 4)
FIELD = FieldMap(np.arange(4.0), np.arange(3.0), VALUES)
POSITIONS = np.random.default_rng(0).normal(size=(30, 2))
CLASSES = Grouping(np.arange(30) % 3, ["zero", "one", "two"], range(3), in_legend=True)
CODES = Grouping(np.arange(30) % 15, [f"code {i}" for i in range(15)], [i % 5 for i in range(15)], in_legend=False)
TITLES = ("direction 1 (60 % of variance)", "direction 2 (40 % of variance)")


def figure_of(grouping: Grouping = CLASSES, n_ellipses: int = 2, edges: np.ndarray | None = None):
    return field_figure(FIELD, np.zeros((n_ellipses, 5, 2)), POSITIONS, grouping, edges, axis_titles=TITLES)


def clouds(figure, axis: str) -> list:
    return [trace for trace in figure.data if getattr(trace, "mode", None) == "markers" and trace.xaxis == axis]


@pytest.mark.parametrize("axis", ["x", "x2"])
def test_every_landmark_can_be_clicked_in_both_panels_by_its_number(axis: str) -> None:
    ids = np.concatenate([np.asarray(trace.customdata) for trace in clouds(figure_of(), axis)])
    assert sorted(ids) == list(range(30))
    for trace in clouds(figure_of(), axis):
        np.testing.assert_allclose(trace.x, POSITIONS[trace.customdata, 0], rtol=1e-6)


def test_panels_share_scales_and_are_not_stretched() -> None:
    layout = figure_of().layout
    assert (layout.yaxis.scaleanchor, layout.yaxis2.scaleanchor) == ("x", "x2")
    assert "of variance" in layout.xaxis.title.text
    assert layout.yaxis.title.text == TITLES[1]


def test_the_colour_bar_says_the_unit_and_the_darkest_twentieth_shares_a_colour() -> None:
    axis = figure_of().layout.coloraxis
    assert "pixel² per latent²" in axis.colorbar.title.text
    assert axis.cmin == pytest.approx(np.quantile(VALUES, 0.05))
    assert axis.cmax == VALUES.max()


def test_classes_differ_in_colour_and_symbol_and_stand_in_the_legend() -> None:
    traces = clouds(figure_of(), "x2")
    assert [trace.name for trace in traces] == ["zero", "one", "two"]
    assert [trace.marker.color for trace in traces] == list(QUALITATIVE[:3])
    assert len({trace.marker.symbol for trace in traces}) == 3
    assert all(trace.showlegend for trace in traces)


def test_codes_that_share_a_colour_are_named_on_hover_and_not_in_the_legend() -> None:
    traces = clouds(figure_of(CODES), "x2")
    assert len(traces) == 5
    assert not any(trace.showlegend for trace in traces)
    assert set(traces[0].hovertext) == {"code 0", "code 5", "code 10"}


def test_ellipses_and_edges_are_drawn_only_when_there_are_some() -> None:
    def n_lines(figure) -> int:
        return sum(getattr(trace, "mode", None) == "lines" for trace in figure.data)

    assert n_lines(figure_of(n_ellipses=0)) == 0
    assert n_lines(figure_of()) == 2  # white on a dark edge
    assert n_lines(figure_of(edges=np.zeros((4, 2, 2)))) == 3


def test_lines_are_kept_apart_by_gaps() -> None:
    x, y = broken_lines(np.arange(12.0).reshape(2, 3, 2))
    np.testing.assert_array_equal(x, [0, 2, 4, np.nan, 6, 8, 10, np.nan])
    np.testing.assert_array_equal(y, [1, 3, 5, np.nan, 7, 9, 11, np.nan])


def test_what_is_not_known_is_left_empty() -> None:
    holes = VALUES.copy()
    holes[0, 0] = np.nan
    field = FieldMap(FIELD.x, FIELD.y, holes)
    assert np.isfinite(field.limits()).all()
    heat = field_figure(field, np.zeros((0, 5, 2)), POSITIONS, CLASSES, None, axis_titles=TITLES).data[0]
    assert np.isnan(heat.z[0, 0])


def test_a_constant_field_has_a_scale_too() -> None:
    low, high = FieldMap(FIELD.x, FIELD.y, np.zeros((3, 4))).limits()
    assert low < 0 < high


def test_the_colour_bar_says_the_unit_of_the_output_geometry() -> None:
    titles = []
    for geometry in (OUTPUT_GEOMETRIES["pixel"], OUTPUT_GEOMETRIES["bernoulli"]):
        field = FieldMap(FIELD.x, FIELD.y, FIELD.log10_magnification, geometry)
        figure = field_figure(field, np.zeros((0, 5, 2)), POSITIONS, CLASSES, None, axis_titles=TITLES)
        titles.append(figure.layout.coloraxis.colorbar.title.text)
    assert titles == [
        "log₁₀ magnification<br>(pixel² per latent²)",
        "log₁₀ magnification<br>(Fisher–Rao² per latent²)",
    ]
