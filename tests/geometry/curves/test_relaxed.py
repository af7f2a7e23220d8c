import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from geovq.errors import Cancelled, InvalidValueError
from geovq.geometry import active_subspace
from geovq.geometry.curves.cell_context import cell_in_context
from geovq.geometry.curves.curve import graph_curve, measure_curve, straight_curve
from geovq.geometry.curves.relaxed import relaxed_curve
from geovq.geometry.worlds import WORLDS, SphereWorld, ValleyWorld
from geovq.lattice import cells_of
from geovq.progress import SilentProgress
from tests.geometry.decoders import transposed_conv_decoder

SPHERE, VALLEY = SphereWorld(), ValleyWorld()
ENDS = {
    "plane": ([-1.5, 1.0], [1.5, -0.5]),
    "scaled plane": ([-1.5, 1.0], [1.5, -0.5]),
    "sphere": ([-1.3, 0.6], [1.3, 0.6]),
    "swiss roll": ([5.0, 2.0], [13.0, 15.0]),
    "valley": ([-1.4, 1.2], [1.4, 1.2]),
}


def ends_of(name):
    return torch.tensor(ENDS[name], dtype=torch.float64)


def context(seed=0):
    lattice = torch.randn(3, 7, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return cell_in_context(transposed_conv_decoder(), lattice, (3, 2), active_subspace(cells_of(lattice[None]), 0.0))


def detour(seed, n_nodes=6):
    return torch.randn(n_nodes, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_relaxing_the_straight_line_finds_the_geodesic(world):
    ends = ends_of(world.name)
    relaxed = relaxed_curve(world.embed, ends, n_points=64, tolerance=1e-8)
    exact = float(world.geodesic_distance(ends[:1], ends[1:]))
    assert relaxed.converged
    assert relaxed.curve.length == pytest.approx(exact, rel=1e-3)
    assert relaxed.curve.evenness == pytest.approx(1, abs=1e-5)
    across = torch.cdist(relaxed.curve.points, world.geodesic(*ends, 2_001)).amin(dim=1)
    assert across.max() < 0.01


def test_on_the_sphere_the_least_energy_is_that_of_even_chords_of_the_great_circle():
    ends, n_points = ends_of("sphere"), 32
    relaxed = relaxed_curve(SPHERE.embed, ends, n_points=n_points, tolerance=1e-12)
    angle = float(SPHERE.geodesic_distance(ends[:1], ends[1:]))
    assert relaxed.curve.energy == pytest.approx(
        (2 * (n_points - 1) * np.sin(angle / 2 / (n_points - 1))) ** 2, rel=1e-9
    )
    np.testing.assert_allclose(relaxed.curve.points, SPHERE.geodesic(*ends, n_points), atol=1e-5)


def test_in_the_valley_the_way_avoids_the_slopes():
    ends = ends_of("valley")
    straight, relaxed = straight_curve(VALLEY.embed, *ends), relaxed_curve(VALLEY.embed, ends)
    assert relaxed.curve.length < 0.8 * straight.length
    assert relaxed.curve.points[10:22, 1].max() < 0.55  # the slope it starts on is at 1.2


def test_a_straight_line_of_a_plane_is_left_alone():
    world, ends = WORLDS["plane"], ends_of("plane")
    relaxed = relaxed_curve(world.embed, ends)
    assert relaxed.converged
    np.testing.assert_allclose(relaxed.curve.points, straight_curve(world.embed, *ends).points, atol=1e-9)


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000))
def test_energy_only_falls_from_that_of_the_evenly_divided_start(seed):
    decode, nodes = context(), detour(seed)
    relaxed = relaxed_curve(decode, nodes, n_points=16)
    assert relaxed.energies[0] == pytest.approx(graph_curve(decode, nodes, n_points=16).energy, rel=1e-9)
    assert (np.diff(relaxed.energies) < 0).all()
    assert relaxed.curve.energy == pytest.approx(relaxed.energies[-1], rel=1e-9)
    assert torch.equal(relaxed.curve.points[[0, -1]], nodes[[0, -1]])


def test_a_start_with_fewer_points_is_dropped_where_it_leads_astray():
    """From this zigzag the five-point curve jumps across the valley's waist, which raises the energy of all points."""
    zigzag = torch.tensor([[-0.07, 0.6], [-1.33, 1.15], [1.35, 0.13], [-0.27, 0.67]], dtype=torch.float64)
    relaxed = relaxed_curve(VALLEY.embed, zigzag, n_points=17)
    assert (np.diff(relaxed.energies) < 0).all()
    assert relaxed.curve.length == pytest.approx(float(VALLEY.geodesic_distance(zigzag[:1], zigzag[-1:])), rel=1e-3)


def test_no_quasi_newton_method_gets_lower():
    """scipy's L-BFGS on the same energy, with gradients by reverse mode, from where Gauss-Newton stopped."""
    decode = context()
    relaxed = relaxed_curve(decode, detour(3), n_points=12, tolerance=1e-9)
    fixed = relaxed.curve.points

    def energy(inner):
        free = torch.tensor(inner.reshape(-1, 3), requires_grad=True)
        value = 11 * decode(torch.cat([fixed[:1], free, fixed[-1:]])).diff(dim=0).square().sum()
        value.backward()
        return value.item(), free.grad.numpy().ravel()

    found = minimize(energy, fixed[1:-1].numpy().ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    assert relaxed.converged
    assert relaxed.curve.energy < relaxed.energies[0]
    assert relaxed.curve.energy == pytest.approx(found.fun, rel=1e-5)


def test_scaling_the_image_leaves_the_geodesic_in_place():
    decode = context()
    once, thrice = (relaxed_curve(lambda y, s=s: s * decode(y), detour(5), n_points=12) for s in (1, 3))
    np.testing.assert_allclose(thrice.curve.points, once.curve.points, rtol=1e-6, atol=1e-8)
    assert thrice.curve.energy == pytest.approx(9 * once.curve.energy, rel=1e-6)


def test_the_cropped_context_gives_the_curve_of_whole_images():
    decode = context()
    cropped, whole = (relaxed_curve(f, detour(6), n_points=12) for f in (decode, decode.images))
    np.testing.assert_allclose(cropped.curve.points, whole.curve.points, rtol=1e-6, atol=1e-8)
    assert cropped.curve.length == pytest.approx(whole.curve.length, rel=1e-6)


def test_float32_gets_as_low_as_float64():
    ends = ends_of("valley")
    wide, narrow = relaxed_curve(VALLEY.embed, ends), relaxed_curve(VALLEY.embed, ends.float())
    assert narrow.converged
    assert narrow.curve.points.dtype == torch.float32
    assert narrow.curve.energy == pytest.approx(wide.curve.energy, rel=1e-4)


def test_a_direction_that_changes_nothing_is_left_alone():
    def decode(points):
        return SPHERE.embed(points[:, :2])

    ends = torch.tensor([[-1.0, 0.6, 2.0], [1.0, 0.6, 3.0]], dtype=torch.float64)
    relaxed = relaxed_curve(decode, ends)
    assert relaxed.converged
    assert relaxed.curve.length == pytest.approx(float(SPHERE.geodesic_distance(ends[:1, :2], ends[1:, :2])), rel=1e-3)
    assert ((relaxed.curve.points[:, 2] >= 2) & (relaxed.curve.points[:, 2] <= 3)).all()


@pytest.mark.parametrize("n_points", [2, 3, 32])
def test_curves_with_nothing_to_gain_converge_at_once(n_points):
    point = torch.tensor([[0.2, 0.1]], dtype=torch.float64)
    stays = relaxed_curve(SPHERE.embed, point, n_points=n_points)
    constant = relaxed_curve(lambda y: torch.zeros_like(y), torch.eye(2), n_points=n_points)
    assert stays.converged
    assert constant.converged
    assert stays.curve.length == constant.curve.length == 0


def test_too_few_points_for_the_turns_of_a_roll_are_told():
    """From corner to corner 12 points take a short cut through the air between the turns; 64 stay on the paper."""
    world = WORLDS["swiss roll"]
    corners = torch.tensor([[4.9, 0.4], [13.9, 20.6]], dtype=torch.float64)
    few, many = (relaxed_curve(world.embed, corners, n_points=n) for n in (12, 64))
    exact = float(world.geodesic_distance(corners[:1], corners[1:]))
    assert few.curve.length < 0.6 * exact
    assert few.hidden_length > 0.3
    assert many.hidden_length < 0.002


def test_too_few_steps_are_a_result_not_an_error():
    relaxed = relaxed_curve(VALLEY.embed, ends_of("valley"), n_points=12, n_steps=1)
    assert not relaxed.converged
    assert relaxed.n_iterations == 1
    assert relaxed.curve.energy < relaxed.energies[0]


def test_it_stops_when_asked():
    class Impatient(SilentProgress):
        def stop_requested(self):
            return True

    with pytest.raises(Cancelled):
        relaxed_curve(VALLEY.embed, ends_of("valley"), progress=Impatient())


def test_bad_input_is_named():
    with pytest.raises(InvalidValueError, match="n_steps must be at least 1 and tolerance positive; got 0"):
        relaxed_curve(SPHERE.embed, torch.eye(2), n_steps=0)
    with pytest.raises(InvalidValueError, match="tolerance positive; got 50 and 0"):
        relaxed_curve(SPHERE.embed, torch.eye(2), tolerance=0)
    with pytest.raises(InvalidValueError, match="n_points of at least 2"):
        relaxed_curve(SPHERE.embed, torch.eye(2), n_points=1)


def test_measuring_a_relaxed_curve_again_gives_the_same():
    relaxed = relaxed_curve(SPHERE.embed, ends_of("sphere"))
    assert measure_curve(SPHERE.embed, relaxed.curve.points).energy == relaxed.curve.energy


def test_a_curve_that_jumps_over_a_hill_without_length_says_so():
    def decode(points):  # flat between -1 and 1, so that both ends decode to the same image
        return torch.relu(points.abs() - 1)

    relaxed = relaxed_curve(decode, torch.tensor([[-3.0, 0.0], [3.0, 0.0]]), n_points=16)
    dense = measure_curve(decode, straight_curve(decode, *relaxed.curve.points[[0, -1]], n_points=6_001).points)
    assert dense.length == pytest.approx(4.0, rel=1e-4)
    assert relaxed.hidden_length > 0.05 or not relaxed.converged
    standing = relaxed_curve(decode, torch.tensor([[0.5, 0.0], [-0.5, 0.0]]), n_points=4)
    assert standing.hidden_length == 0
