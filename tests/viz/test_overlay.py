import base64
import io

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from geovq.viz.overlay import Overlay, painted_dots
from geovq.viz.palette import rgb

PLACES = np.array([[0.0, 0.0], [4.0, 2.0], [4.0, 2.0]])
COLOURS = rgb(["#ff0000", "#00ff00", "#0000ff"])


def pixel(overlay: Overlay, place: np.ndarray) -> np.ndarray:
    """What is painted at a place of the plane."""
    picture = np.array(Image.open(io.BytesIO(base64.b64decode(overlay.uri.split(",", 1)[1]))))
    share = (place - overlay.low) / (overlay.high - overlay.low)
    return picture[int((1 - share[1]) * picture.shape[0]), int(share[0] * picture.shape[1])]  # rows go down


def test_dots_lie_at_their_places_and_the_last_is_on_top() -> None:
    dots = painted_dots(PLACES, COLOURS, size=0.02, opacity=0.5)
    assert pixel(dots, PLACES[0]).tolist() == [255, 0, 0, 128]
    assert pixel(dots, PLACES[1]).tolist() == [0, 0, 255, 191]  # two on each other
    assert pixel(dots, np.array([2.0, 1.0]))[3] == 0


@pytest.mark.parametrize(("reach", "is_painted"), [(0.4, True), (0.6, False)])
def test_a_dot_has_the_diameter_that_was_asked_for(reach: float, is_painted: bool) -> None:
    dots = painted_dots(PLACES, rgb(["#ff0000"]), size=0.1, opacity=1.0)
    assert (pixel(dots, np.array([reach * 0.1 * 4, 0.0]))[3] > 0) == is_painted


def test_an_image_keeps_the_shape_of_a_pixel_and_lies_beneath_the_marks() -> None:
    dots, figure = painted_dots(PLACES, COLOURS, size=0.02, opacity=0.5), go.Figure()
    dots.lay_under(figure)
    image = figure.layout.images[0]
    picture = Image.open(io.BytesIO(base64.b64decode(dots.uri.split(",", 1)[1])))
    assert image.sizex / picture.width == pytest.approx(image.sizey / picture.height)
    assert (image.x, image.y, image.layer) == (dots.low[0], dots.high[1], "below")


def test_a_single_place_is_one_dot() -> None:
    assert pixel(painted_dots(PLACES[:1], COLOURS[:1], size=0.01, opacity=1.0), PLACES[0]).tolist() == [255, 0, 0, 255]
