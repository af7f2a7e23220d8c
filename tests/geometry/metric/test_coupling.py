"""Couplings against cosines of whole Jacobians, and against pictures that can be drawn by hand."""

import pytest
import torch

from geovq.errors import InvalidValueError, ShapeError
from geovq.geometry.metric.coupling import coupling_of_equal_steps, coupling_of_steps
from geovq.geometry.metric.lattice_metric import lattice_metric

STEPS = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def decoder() -> torch.nn.Module:
    torch.manual_seed(0)
    layer = torch.nn.ConvTranspose2d(2, 1, kernel_size=3, stride=2, padding=1)
    return torch.nn.Sequential(layer, torch.nn.Sigmoid()).double().eval()


def jacobian(decode, lattice: torch.Tensor) -> torch.Tensor:
    """All columns, (cells, A, P)."""
    whole = torch.func.jacrev(lambda z: decode(z[None]).flatten())(lattice)  # (P, D, H, W)
    return whole.permute(2, 3, 1, 0).flatten(0, 1)


@pytest.fixture(scope="module")
def measured():
    decode, lattice = decoder(), torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return lattice_metric(decode, lattice, torch.eye(2, dtype=torch.float64)), jacobian(decode, lattice).detach()


@pytest.mark.parametrize("position", [(0, 0), (1, 2), (2, 3)])
def test_couplings_are_cosines_of_the_changes(measured, position) -> None:
    metric, columns = measured
    moved = torch.einsum("lap,la->lp", columns, STEPS.flatten(0, 1))
    for changes, found in (
        (columns.flatten(1), coupling_of_equal_steps(metric, position)),
        (moved, coupling_of_steps(metric, position, STEPS)),
    ):
        own = changes[position[0] * 4 + position[1]]
        expected = (changes @ own) / (changes.norm(dim=1) * own.norm())
        torch.testing.assert_close(found.flatten(), expected, rtol=1e-9, atol=1e-12)
        assert found[position] == pytest.approx(1)


def test_steps_against_each_other_turn_the_sign_and_their_length_does_not_matter(measured) -> None:
    metric, _ = measured
    turned = STEPS.clone()
    turned[1, 3] *= -5
    before, after = (coupling_of_steps(metric, (1, 2), steps) for steps in (STEPS, turned))
    assert before[1, 3] != 0
    torch.testing.assert_close(after[1, 3], -before[1, 3])


def test_cells_that_share_no_pixel_and_cells_that_stay_are_not_coupled(measured) -> None:
    metric, _ = measured
    assert coupling_of_equal_steps(metric, (0, 0))[2, 3] == 0
    still = STEPS.clone()
    still[1, 1] = 0
    assert coupling_of_steps(metric, (1, 2), still)[1, 1] == 0
    assert not coupling_of_steps(metric, (1, 1), still).any()


def test_wrong_input_is_one_sentence(measured) -> None:
    metric, _ = measured
    with pytest.raises(InvalidValueError, match="a cell of the 3 by 4 lattice"):
        coupling_of_equal_steps(metric, (3, 0))
    with pytest.raises(ShapeError, match="one step for each cell"):
        coupling_of_steps(metric, (0, 0), STEPS[:2])
    several = lattice_metric(decoder(), torch.zeros(2, 2, 3, 4, dtype=torch.float64), torch.eye(2))
    with pytest.raises(ShapeError, match="that of one lattice"):
        coupling_of_equal_steps(several, (0, 0))
