import numpy as np
import pytest
import torch

from geovq.errors import InvalidValueError
from geovq.geometry.curves.bent_pairs import bow_saving, most_bent_pair
from geovq.geometry.curves.curve import straight_curve
from geovq.geometry.worlds import SphereWorld, ValleyWorld, World, scaled_plane


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_no_bow_beats_a_straight_line_of_the_plane() -> None:
    assert bow_saving(scaled_plane().embed, tensor(-1, 0.5), tensor(1, -1.5)) == 0


@pytest.mark.parametrize("world", [SphereWorld(), ValleyWorld()])
def test_a_bow_saves_something_but_never_more_than_the_geodesic(world: World) -> None:
    start, end = tensor(-1.2, 0.7), tensor(1.2, 0.7)
    straight = straight_curve(world.embed, start, end, n_points=400).length
    possible = 1 - float(world.geodesic_distance(start[None], end[None])) / straight
    saving = bow_saving(world.embed, start, end)
    assert 0.5 * possible < saving < possible + 0.01  # nine points cut corners


def test_the_side_does_not_matter() -> None:
    """The valley is mirrored at its floor."""
    below = bow_saving(ValleyWorld().embed, tensor(-1, -0.9), tensor(1, -0.9))
    above = bow_saving(ValleyWorld().embed, tensor(-1, 0.9), tensor(1, 0.9))
    assert below == pytest.approx(above, rel=1e-9)


def test_a_point_without_a_way_saves_nothing() -> None:
    assert bow_saving(SphereWorld().embed, tensor(0.3, 0.2), tensor(0.3, 0.2)) == 0


def test_the_most_bent_pair_is_the_one_that_stays_high_on_the_slope() -> None:
    points = torch.stack([tensor(-1.2, 0), tensor(1.2, 0), tensor(-1.2, 1), tensor(1.2, 1), tensor(-1.2, 0.3)])
    world = ValleyWorld()
    asked = []

    def decoder_at(i: int):
        asked.append(i)
        return world.embed

    assert most_bent_pair(decoder_at, points, np.array([[0, 1], [2, 3], [4, 1]])) == (2, 3)
    assert asked == [0, 2, 4]


def test_nothing_to_choose_from_is_said() -> None:
    with pytest.raises(InvalidValueError, match="no pairs"):
        most_bent_pair(lambda i: SphereWorld().embed, torch.zeros(2, 2), np.empty((0, 2), dtype=np.int64))
