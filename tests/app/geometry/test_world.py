import numpy as np
import pytest
import torch

from geovq.app.geometry.world import NAMES, bend, chart_field, three_curves, verdict
from geovq.geometry import measure_curve
from geovq.geometry.worlds import WORLDS


@pytest.mark.parametrize("name", NAMES)
def test_of_the_three_curves_the_geodesic_is_the_shortest(name: str) -> None:
    world = WORLDS[name]
    low, high = torch.tensor(world.domain, dtype=torch.float64).T
    start, end = low + (high - low) * torch.tensor([0.1, 0.8]), low + (high - low) * torch.tensor([0.9, 0.7])
    found = three_curves(world, start, end)
    lengths = {kind: measure_curve(world.embed, curve).length for kind, curve in found.items()}
    assert min(lengths, key=lambda kind: lengths[kind]) == "geodesic"
    exact = float(world.geodesic_distance(start[None], end[None]))
    assert lengths["geodesic"] == pytest.approx(exact, rel=1e-3)
    for curve in found.values():
        torch.testing.assert_close(curve[[0, -1]], torch.stack([start, end]))


def test_along_a_meridian_the_straight_line_is_the_geodesic() -> None:
    world = WORLDS["sphere"]
    found = three_curves(world, torch.tensor([0.5, -0.7]).double(), torch.tensor([0.5, 0.9]).double())
    assert bend(world, found) < 1e-6


def test_the_verdict_knows_right_from_wrong() -> None:
    lengths, named = {"A": 2.0, "B": 1.5, "C": 1.8}, {"A": "mirrored", "B": "geodesic", "C": "straight"}
    assert verdict(lengths, named, "B").startswith("Right, B")
    assert verdict(lengths, named, "A").startswith("No: B is the shortest, not A")
    assert "16.7% shorter than C" in verdict(lengths, named, "A")


def test_the_chart_of_the_sphere_shrinks_to_the_poles() -> None:
    field = chart_field(WORLDS["sphere"])
    np.testing.assert_allclose(10 ** field.log10_magnification[:, 0], np.cos(field.y), rtol=1e-6)
