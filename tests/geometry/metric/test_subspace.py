import subprocess
import sys

import numpy as np
import pytest
import torch

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import active_subspace
from geovq.geometry.metric import subspace
from geovq.geometry.metric.subspace import require_latents, require_orthonormal


def cells_with_variances(variances, n=4_000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, len(variances), generator=generator, dtype=torch.float64)
    white = torch.linalg.qr(noise - noise.mean(dim=0))[0] * n**0.5  # exactly uncorrelated, unit variance
    turn = torch.linalg.qr(torch.randn(len(variances), len(variances), generator=generator, dtype=torch.float64))[0]
    return ((white * torch.tensor(variances, dtype=torch.float64).sqrt()) @ turn.T + 3.0).float(), turn


@pytest.mark.parametrize(("residual", "n_active"), [(0.5, 1), (0.2, 2), (0.01, 3), (0.001, 4), (0.0, 5)])
def test_the_smallest_sufficient_subspace_is_kept(residual, n_active):
    cells, _ = cells_with_variances([6.0, 3.0, 0.95, 0.045, 0.005])
    frame = active_subspace(cells, residual)
    assert frame.n_active == n_active
    assert frame.residual_variance <= max(residual, 1e-6)


def test_directions_and_variances_are_those_of_the_covariance():
    cells, turn = cells_with_variances([4.0, 1.0, 0.1])
    frame = active_subspace(cells, 0.0)
    np.testing.assert_allclose(frame.variances, [4.0, 1.0, 0.1], rtol=1e-4)
    np.testing.assert_allclose((frame.basis.double().T @ turn).abs(), np.eye(3), atol=1e-3)


def test_project_inverts_lift():
    cells, _ = cells_with_variances([4.0, 1.0, 0.001])
    frame = active_subspace(cells, 0.001)
    points = frame.project(cells)
    np.testing.assert_allclose(frame.project(frame.lift(points)), points, rtol=1e-4, atol=1e-5)


def test_distances_within_the_subspace_are_kept():
    cells, _ = cells_with_variances([4.0, 1.0, 0.3])
    points = active_subspace(cells, 0.0).project(cells)
    np.testing.assert_allclose(torch.pdist(points[:50]), torch.pdist(cells[:50]), rtol=1e-4)


def test_exactly_collapsed_channels_are_left_out_and_nothing_is_lost():
    cells, _ = cells_with_variances([4.0, 1.0])
    padded = torch.cat([torch.full((len(cells), 2), 7.25), cells, torch.zeros(len(cells), 1)], dim=1)
    frame = active_subspace(padded, 0.0)
    assert frame.n_active == 2
    assert frame.residual_variance < 1e-12
    np.testing.assert_allclose(frame.basis[[0, 1, 4]], 0, atol=1e-6)
    np.testing.assert_allclose(frame.lift(frame.project(padded)), padded, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variances", [[1.0, 1.0, 1.0], [1.0, 1e-3, 1e-6], [5.0]])
def test_all_directions_are_kept_where_none_may_be_lost(variances):
    frame = active_subspace(cells_with_variances(variances)[0], 0.0)
    assert frame.n_active == len(variances)
    assert frame.residual_variance == 0


def test_blocks_of_cells_change_nothing(monkeypatch):
    cells, _ = cells_with_variances([4.0, 1.0, 0.001], n=1_000)
    whole = active_subspace(cells)
    monkeypatch.setattr(subspace, "_CELLS_PER_BLOCK", 77)
    blocks = active_subspace(cells)
    np.testing.assert_allclose(blocks.basis, whole.basis, atol=1e-6)
    np.testing.assert_allclose(blocks.variances, whole.variances, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 100])
def test_collapsed_latents_are_refused(n):
    with pytest.raises(InvalidValueError, match=r"posterior collapse.*lower vae\.beta"):
        active_subspace(torch.full((n, 4), 0.7))


def test_bad_input_is_named():
    cells, _ = cells_with_variances([1.0, 1.0], n=50)
    with pytest.raises(NonFiniteError, match="NaN or infinity"):
        active_subspace(cells * torch.nan)
    with pytest.raises(InvalidValueError, match=r"in \[0, 1\); got 1.5"):
        active_subspace(cells, 1.5)
    with pytest.raises(ShapeError, match=r"\(n, 2\)"):
        active_subspace(cells).project(torch.ones(3, 5))
    with pytest.raises(InvalidValueError, match="differs from the identity"):
        require_orthonormal(torch.ones(3, 2))
    with pytest.raises(ShapeError, match="1 <= A <= D"):
        require_orthonormal(torch.ones(2, 3))
    with pytest.raises(NonFiniteError, match="basis contains NaN"):
        require_orthonormal(torch.full((3, 2), torch.nan))
    with pytest.raises(ShapeError, match=r"at least one cell and channel; got \(0, 4\)"):
        active_subspace(torch.zeros(0, 4))
    with pytest.raises(InvalidValueError, match=r"got float16.*half precision with \.float\(\)"):
        require_latents(torch.zeros(1, 2, 3, 3, dtype=torch.float16))


@pytest.mark.slow
def test_lifting_is_differentiated_forward_without_loading_a_compiler():
    program = """
import sys, torch
from geovq.geometry import active_subspace
torch.manual_seed(0)
frame = active_subspace(torch.randn(50, 3), 0.5)
point = torch.zeros(1, frame.n_active)
push = lambda direction: torch.func.jvp(frame.lift, (point,), (direction[None],))[1][0]
pushed = torch.func.vmap(push)(torch.eye(frame.n_active))
assert torch.allclose(pushed, frame.basis.T, atol=1e-6), pushed
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
