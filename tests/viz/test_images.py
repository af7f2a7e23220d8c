import base64
import io

import numpy as np
import pytest
from PIL import Image

from geovq.errors import ShapeError
from geovq.viz import grey_tiles, in_rows, mosaic, mosaic_figure, signed_tiles


def picture_of(figure) -> np.ndarray:
    encoded = figure.data[0].source.removeprefix("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))


def test_intensities_become_opaque_grey() -> None:
    tile = grey_tiles(np.array([[[-1.0, 0.0, 0.5, 1.0, 2.0]]]))
    np.testing.assert_array_equal(tile[0, 0, :, 0], [0, 0, 128, 255, 255])
    np.testing.assert_array_equal(tile[0, 0, :, :3], np.repeat(tile[0, 0, :, :1], 3, axis=1))
    assert (tile[..., 3] == 255).all()


def test_too_dark_is_blue_too_bright_is_red_and_zero_is_pale() -> None:
    dark, zero, bright = signed_tiles(np.array([-0.3, 0.0, 0.3]), limit=0.3)[:, :3].astype(int)
    assert dark[2] > dark[0] + 50
    assert bright[0] > bright[2] + 50
    assert zero.min() > 200


def test_signed_colours_are_clipped_at_the_limit_and_survive_an_all_zero_map() -> None:
    np.testing.assert_array_equal(signed_tiles(np.array([0.3]), 0.3), signed_tiles(np.array([9.0]), 0.3))
    assert signed_tiles(np.zeros((2, 2)), 0.0).shape == (2, 2, 4)


def test_a_mosaic_puts_every_tile_in_its_place() -> None:
    values = np.arange(6).reshape(2, 3, 1, 1) / 5
    tiles = grey_tiles(np.broadcast_to(values, (2, 3, 4, 5)))
    picture = mosaic(tiles, gap=2)
    assert picture.shape == (2 * 4 + 2, 3 * 5 + 2 * 2, 4)
    for row in range(2):
        for column in range(3):
            cut = picture[row * 6 : row * 6 + 4, column * 7 : column * 7 + 5]
            np.testing.assert_array_equal(cut, tiles[row, column])


def test_the_last_row_is_filled_with_transparent_tiles() -> None:
    rows = in_rows(grey_tiles(np.ones((5, 2, 2))), n_columns=3)
    assert rows.shape == (2, 3, 2, 2, 4)
    assert (rows[1, 2] == 0).all()


def test_a_mosaic_is_one_image_trace_whatever_the_number_of_tiles() -> None:
    tiles = in_rows(grey_tiles(np.zeros((64, 28, 28))), n_columns=16)
    figure = mosaic_figure(tiles)
    assert [trace.type for trace in figure.data] == ["image"]
    assert picture_of(figure).shape == (4 * 29 - 1, 16 * 29 - 1, 4)


def test_labels_stand_above_their_tiles_and_texts_upon_them() -> None:
    tiles = in_rows(grey_tiles(np.zeros((5, 12, 12))), n_columns=3)
    figure = mosaic_figure(tiles, tile_labels=["a", "b", "c", "d", "e"], tile_texts=["A", "B", "C", "D", "E"])
    image, labels, hover = figure.data
    assert image.type == "image"
    np.testing.assert_array_equal(hover.x, labels.x)
    assert (np.asarray(labels.y) < np.asarray(hover.y) - 6).all()  # the y axis points down
    assert list(hover.customdata) == [0, 1, 2, 3, 4]
    assert hover.x[3] == hover.x[0]
    assert hover.y[3] > hover.y[0]


def test_rows_and_columns_are_named_at_their_middle() -> None:
    figure = mosaic_figure(
        grey_tiles(np.zeros((2, 3, 28, 28))), row_labels=["original", "VAE"], column_labels=["0", "1", "2"]
    )
    assert list(figure.layout.yaxis.ticktext) == ["original", "VAE"]
    np.testing.assert_allclose(figure.layout.xaxis.tickvals, [13.5, 42.5, 71.5])
    assert figure.layout.yaxis.scaleanchor == "x"


def test_tiles_of_the_wrong_shape_are_refused_with_their_shape() -> None:
    with pytest.raises(ShapeError, match=r"\(rows, columns, h, w, 4\); got \(2, 3, 4\)"):
        mosaic(np.zeros((2, 3, 4), dtype=np.uint8))
