import numpy as np

from geovq.viz import cell_maps_figure, token_grids_figure
from geovq.viz.palette import QUALITATIVE


def test_maps_of_one_quantity_share_one_colour_scale_with_its_unit() -> None:
    figure = cell_maps_figure({"Euclidean": np.eye(7), "Riemannian": 2 * np.eye(7)}, unit="entropy (bits)")
    assert {trace.coloraxis for trace in figure.data if trace.type == "heatmap"} == {"coloraxis"}
    assert figure.layout.coloraxis.colorbar.title.text == "entropy (bits)"
    assert [annotation.text for annotation in figure.layout.annotations] == ["Euclidean", "Riemannian"]


def test_the_first_row_is_on_top_and_cells_are_square() -> None:
    figure = cell_maps_figure({"a": np.zeros((7, 7)), "b": np.zeros((7, 7))}, unit="")
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range == (6.5, -0.5)
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis2.scaleanchor) == ("x", "x2")


def test_signed_maps_are_diverging_and_centred_at_zero() -> None:
    signed = cell_maps_figure({"channel": np.linspace(-1, 3, 49).reshape(7, 7)}, unit="latent value", signed=True)
    assert (signed.layout.coloraxis.cmin, signed.layout.coloraxis.cmax) == (-3, 3)
    unsigned = cell_maps_figure({"channel": np.zeros((7, 7))}, unit="")
    assert signed.layout.coloraxis.colorscale != unsigned.layout.coloraxis.colorscale


def test_values_reach_the_browser_in_single_precision_and_unchanged() -> None:
    values = np.arange(49.0).reshape(7, 7)
    trace = cell_maps_figure({"map": values}, unit="").data[0]
    assert trace.z.dtype == np.float32
    np.testing.assert_array_equal(trace.z, values)


def test_token_grids_write_the_code_and_colour_it_by_its_own_palette() -> None:
    tokens = np.array([[0, 1], [2, 0]])
    figure = token_grids_figure({"Euclidean": tokens}, {"Euclidean": [4, 9, 0]})
    trace = figure.data[0]
    np.testing.assert_array_equal(trace.text, tokens)
    np.testing.assert_array_equal(trace.z, [[4, 9], [0, 4]])
    assert (trace.zmin, trace.zmax) == (-0.5, len(QUALITATIVE) - 0.5)
    assert len(trace.colorscale) == 2 * len(QUALITATIVE)


def test_every_number_is_written_over_its_cell() -> None:
    values = np.arange(6.0).reshape(2, 3)
    texts = cell_maps_figure({"map": values}, unit="", digits=1).data[1]
    written = {(y, x): text for x, y, text in zip(texts.x, texts.y, texts.text, strict=True)}
    assert written[1, 2] == "5.0"
    assert written[0, 1] == "1.0"
    assert set(texts.textfont.color) == {"black", "white"}


def test_a_constant_map_has_a_scale_too() -> None:
    axis = cell_maps_figure({"map": np.full((7, 7), 2.0)}, unit="").layout.coloraxis
    assert axis.cmin < 2 < axis.cmax
