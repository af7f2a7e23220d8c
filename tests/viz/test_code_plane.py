import base64
import io
import json

import numpy as np
from PIL import Image

from geovq.viz.code_graph import code_graph_figure
from geovq.viz.code_plane import PlacedCodes, cells_figure, placed_codes_figure
from geovq.viz.medoid_steps import medoid_steps_figure
from geovq.viz.palette import map_colouring
from geovq.viz.patch_map import patch_map
from geovq.viz.silhouettes import silhouette_figure

AXES = ("direction 1", "direction 2")
PLACES = np.array([[0.0, 0.0], [0.05, 0.0], [4.0, 2.0]])
PATCHES = np.stack([np.full((4, 4), value) for value in (0.2, 0.5, 1.0)])


def decoded(uri: str) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))))


def test_a_picture_that_would_cover_an_earlier_one_is_left_out() -> None:
    pictures = patch_map(PLACES, PATCHES, np.array([1, 0, 2]), 0.5)
    assert pictures.is_drawn.tolist() == [False, True, True]


def test_pictures_lie_where_their_codes_are() -> None:
    pictures = patch_map(PLACES, PATCHES, np.array([0, 1, 2]), 0.5)
    picture = decoded(pictures.uri)
    for place, value in ((PLACES[0], 51), (PLACES[2], 255)):
        share = (place - pictures.low) / (pictures.high - pictures.low)
        row, column = round((1 - share[1]) * picture.shape[0]), round(share[0] * picture.shape[1])  # rows go down
        assert picture[row, column].tolist() == [value, value, value, 255]
    assert (picture[..., 3] == 0).any()  # the plane is seen between them


def test_a_click_names_panel_and_code_even_where_there_was_no_room() -> None:
    pictures = patch_map(PLACES, PATCHES, np.array([0, 1, 2]), 0.5)
    part = PlacedCodes(PLACES, pictures, ["a", "b", "c"], PLACES)
    figure = placed_codes_figure({"Euclidean": part, "Riemannian": part}, axis_titles=AXES)
    sent = json.loads(figure.to_json())["data"]  # as the browser has it and sends it back
    assert [trace["customdata"] for trace in sent if "customdata" in trace] == [
        [[0, 0], [0, 1], [0, 2]],
        [[1, 0], [1, 1], [1, 2]],
    ]
    images = [(image.xref, image.layer) for image in figure.layout.images]
    assert images == [("x", "below"), ("x", "above"), ("x2", "below"), ("x2", "above")]
    assert figure.layout.yaxis2.scaleanchor == "x2"


def test_cells_wear_the_colours_of_their_codes_and_the_chosen_one_is_full() -> None:
    codes = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, -1, -1], [2, 2, -1, -1]])
    x = y = np.arange(4.0)
    figure = cells_figure({"straight": codes, "geodesic": codes}, x, y, PLACES, 2, axis_titles=AXES)
    pictures = [trace for trace in figure.data if trace.type == "image"]
    assert len(pictures) == 2
    picture = decoded(pictures[0].source)
    assert picture[10, 10, 3] == 0  # nowhere
    assert picture[10, 1, 3] == 255
    assert picture[1, 1, 3] < 255
    colours = map_colouring(PLACES)
    assert (picture[1, 1, :3] != picture[1, 10, :3]).any() == (colours[0] != colours[1])
    assert figure.layout.yaxis.range[0] < figure.layout.yaxis.range[1]  # an image alone would turn it around


def test_borders_are_parted_by_length_and_the_chosen_code_is_named() -> None:
    pictures = patch_map(PLACES, PATCHES, np.array([0, 1, 2]), 0.5)
    pairs, lengths = np.array([[0, 1], [0, 2], [1, 2]]), np.array([1.0, 2.0, 3.0])
    figure = code_graph_figure(PLACES, pairs, lengths, pictures, 2, unit="px")
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert [line.name for line in lines] == [
        "shortest third: up to 1.67 px",
        "middle third: up to 2.33 px",
        "longest third: up to 3 px",
        "borders of code 2",
    ]
    assert len({(line.line.color, line.line.dash, line.line.width) for line in lines}) == 4
    assert len(lines[-1].x) == 2 * 3  # two borders, each with its gap
    assert "code 2" in figure.layout.annotations[0].text


def test_codes_without_borders_are_drawn_all_the_same() -> None:
    pictures = patch_map(PLACES, PATCHES, np.array([0, 1, 2]), 0.5)
    figure = code_graph_figure(PLACES, np.zeros((0, 2), dtype=int), np.zeros(0), pictures, 0, unit="px")
    assert len(figure.layout.images) == 1


def test_a_step_shows_the_medoids_that_moved_and_marks_its_cost() -> None:
    positions = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    medoids = np.array([[0, 2], [0, 3]])
    labels = np.array([0, 0, 1, 1])
    costs = np.array([2.0, 1.0])
    start, end = (
        medoid_steps_figure(positions, labels, medoids, costs, step, axis_titles=AXES, cost_title="cost")
        for step in (0, 1)
    )
    assert len(start.data[0].x) == 0
    np.testing.assert_array_equal(np.asarray(end.data[0].x)[:2], [2, 3])  # from landmark 2 to landmark 3
    assert (list(end.data[-1].x), list(end.data[-1].y)) == ([1], [1.0])


def test_the_best_silhouette_and_the_run_s_own_number_are_named() -> None:
    figure = silhouette_figure([2, 4, 8], [0.3, 0.6, 0.5], 8, "riemannian")
    assert [annotation.text for annotation in figure.layout.annotations] == ["best: 4", "this run: 8"]
    assert figure.layout.xaxis.type == "log"
