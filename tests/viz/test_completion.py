import numpy as np
import pytest

from geovq.viz.completion import completion_figure


def test_the_given_part_of_every_picture_is_framed() -> None:
    figure = completion_figure(np.zeros((5, 28, 28)), ["original"], 3 / 7, n_columns=3)
    frames = figure.layout.shapes
    assert len(frames) == 5
    assert [frame.y1 - frame.y0 for frame in frames] == pytest.approx([12.0] * 5)
    assert [frame.x0 for frame in frames] == [-0.5, 28.5, 57.5, -0.5, 28.5]


def test_nothing_is_framed_where_nothing_was_given() -> None:
    assert not completion_figure(np.zeros((2, 28, 28)), [], 0.0, n_columns=2).layout.shapes


def test_frames_begin_where_the_pictures_do() -> None:
    images = np.zeros((2, 28, 28))
    figure = completion_figure(images, ["a", "b"], 1.0, n_columns=1)
    height = figure.layout.yaxis.range[0] + 0.5  # of the whole mosaic, in pixels
    first, second = figure.layout.shapes
    assert second.y1 + 0.5 == height
    assert second.y0 - first.y0 == height / 2
