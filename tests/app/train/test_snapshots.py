import numpy as np

from geovq.app.train.snapshots import evolution_finding, evolution_tiles
from geovq.runs.stages.snapshots import Snapshot


def snapshot(epoch: int, grey: int, cell: float = 1.0) -> Snapshot:
    images = np.full((2, 28, 28), 100, dtype=np.uint8)
    lattices = np.zeros((2, 3, 7, 7), dtype=np.float32)
    lattices[:, 1, 0, 0] = cell
    return Snapshot(epoch, images, np.full_like(images, grey), lattices)


def test_rows_are_originals_decoded_images_and_the_cells_of_each_channel() -> None:
    tiles = evolution_tiles(snapshot(1, 50), snapshot(2, 90), (1, 0))
    assert tiles.shape == (4, 2, 28, 28, 4)
    assert (tiles[0, 0, 0, 0, 0], tiles[1, 0, 0, 0, 0]) == (100, 50)
    assert (tiles[2, 0, :4, :4] == tiles[2, 0, 0, 0]).all()  # one cell is 4 by 4 pixels
    assert (tiles[2, 0, 0, 0] != tiles[2, 0, 4, 4]).any()


def test_colours_mean_the_same_in_every_epoch() -> None:
    newest = snapshot(2, 90, cell=2.0)
    half = evolution_tiles(snapshot(1, 50, cell=1.0), newest, (1,))[2, 0, 0, 0]
    full = evolution_tiles(newest, newest, (1,))[2, 0, 0, 0]
    assert (half != full).any()


def test_the_finding_compares_with_the_first_epoch() -> None:
    first, later = snapshot(1, 50), snapshot(4, 75)
    assert evolution_finding(later, first).endswith("75% less than after epoch 1")
    assert "than after" not in evolution_finding(first, first)
