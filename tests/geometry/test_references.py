import numpy as np
import pytest
import torch
from numpy.polynomial.legendre import leggauss

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import PullbackMetric, metric_tensors
from geovq.geometry.worlds import SphereWorld, plane
from tests.geometry.decoders import patch_decoder, transposed_conv_decoder
from tests.geometry.references import chord_edge_lengths, midpoint_edge_lengths

SPHERE = SphereWorld()


def a_segment(name):
    """Decoder, ends, context and position of one long edge."""
    generator = torch.Generator().manual_seed(4)
    if name == "sphere":
        ends = torch.tensor([[-1.0, -0.3], [1.1, 0.9]], dtype=torch.float64)
        return SPHERE.decode, ends, torch.zeros(2, 1, 1, dtype=torch.float64), (0, 0)
    lattice, ends = (torch.randn(*size, generator=generator, dtype=torch.float64) for size in ((3, 5, 5), (2, 3)))
    return transposed_conv_decoder(), ends, lattice, (1, 3)


def with_cell(lattice, position, cells):
    lattices = lattice.repeat(len(cells), 1, 1, 1)
    lattices[:, :, *position] = cells
    return lattices


def true_length(decoder, ends, lattice, position):
    """Integral of the speed |J v| along the segment, by 40 Gauss-Legendre nodes."""
    nodes, weights = leggauss(40)
    velocity = ends[1] - ends[0]

    def along(t):
        return decoder(with_cell(lattice, position, (ends[0] + t * velocity)[None]))

    speeds = [torch.autograd.functional.jvp(along, torch.tensor(t))[1].norm().item() for t in (nodes + 1) / 2]
    return float(np.dot(weights / 2, speeds))


def edges_of(ends, n_edges):
    points = torch.lerp(ends[0], ends[1], torch.linspace(0, 1, n_edges + 1, dtype=torch.float64)[:, None])
    return points, points[:-1], points[1:]


def trapezoid_length(decoder, ends, lattice, position, n_edges):
    points, _, _ = edges_of(ends, n_edges)
    eye = torch.eye(ends.shape[1], dtype=torch.float64)
    tensors = metric_tensors(decoder, with_cell(lattice, position, points), eye)[:, *position]
    tails = np.arange(n_edges)
    lengths = PullbackMetric(tensors.numpy()).edge_lengths(points.numpy(), tails, tails + 1)
    return lengths.astype(np.float64).sum()


def midpoint_length(decoder, ends, lattice, position, n_edges):
    _, tails, heads = edges_of(ends, n_edges)
    return float(midpoint_edge_lengths(decoder, tails, heads, lattice, torch.tensor([position] * n_edges)).sum())


def chord_length(decoder, ends, lattice, position, n_chords):
    tails, heads = ends[:1], ends[1:]
    return float(chord_edge_lengths(decoder, tails, heads, lattice, torch.tensor([position]), n_chords=n_chords))


RULES = {"trapezoid": trapezoid_length, "midpoint": midpoint_length, "chords": chord_length}


@pytest.mark.parametrize("name", ["sphere", "transposed-conv"])
@pytest.mark.parametrize("rule", RULES)
def test_halving_the_edges_quarters_the_error(name, rule):
    segment = a_segment(name)
    exact = true_length(*segment)
    errors = [abs(RULES[rule](*segment, n) - exact) for n in (8, 16, 32)]
    assert errors[0] < 0.03 * exact
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4.0, rtol=0.03)


@pytest.mark.parametrize("name", ["sphere", "transposed-conv"])
def test_chords_approach_the_length_from_below(name):
    segment = a_segment(name)
    lengths = [chord_length(*segment, n) for n in (1, 2, 4, 8, 16)]
    assert (np.diff(lengths) > 0).all()
    assert lengths[-1] < true_length(*segment)


def test_on_a_plane_both_are_exact():
    world = plane()
    tails, heads = world.sample(20)[:, :, 0, 0], world.sample(20, seed=1)[:, :, 0, 0]
    context, positions = torch.zeros(2, 3, 3), torch.ones(20, 2, dtype=torch.int64)
    expected = world.geodesic_distance(tails, heads)
    for lengths in (
        midpoint_edge_lengths(world.decode, tails, heads, context, positions),
        chord_edge_lengths(world.decode, tails, heads, context, positions, n_chords=3),
    ):
        np.testing.assert_allclose(lengths, expected, rtol=1e-5)


def many_edges():
    generator = torch.Generator().manual_seed(0)
    tails, heads = (torch.randn(11, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    lattices = torch.randn(11, 3, 4, 4, generator=generator, dtype=torch.float64)
    return tails, heads, lattices, torch.randint(0, 4, (11, 2), generator=generator)


@pytest.mark.parametrize("measure", [midpoint_edge_lengths, chord_edge_lengths])
def test_every_edge_is_measured_in_its_own_context_whatever_the_chunks(measure):
    decoder, (tails, heads, lattices, positions) = transposed_conv_decoder(), many_edges()
    together = measure(decoder, tails, heads, lattices, positions)
    alone = [
        measure(decoder, tails[i, None], heads[i, None], lattices[i], positions[i, None]) for i in range(len(tails))
    ]
    np.testing.assert_allclose(together, torch.cat(alone), rtol=1e-9)
    np.testing.assert_allclose(measure(decoder, tails, heads, lattices, positions, chunk_size=3), together, rtol=1e-9)


@pytest.mark.parametrize("measure", [midpoint_edge_lengths, chord_edge_lengths])
def test_direction_does_not_matter_and_the_image_scales(measure):
    decoder, (tails, heads, lattices, positions) = transposed_conv_decoder(), many_edges()
    lengths = measure(decoder, tails, heads, lattices, positions)
    np.testing.assert_allclose(measure(decoder, heads, tails, lattices, positions), lengths, rtol=1e-9)
    np.testing.assert_allclose(
        measure(lambda z: 5 * decoder(z), tails, heads, lattices, positions), 5 * lengths, rtol=1e-9
    )


def test_bad_input_is_named():
    decoder, (tails, heads, lattices, positions) = patch_decoder(), many_edges()
    for measure in (midpoint_edge_lengths, chord_edge_lengths):
        with pytest.raises(ShapeError, match=r"tails and heads must both be \(E, D\)"):
            measure(decoder, tails, heads[:5], lattices, positions)
        with pytest.raises(ShapeError, match=r"lattices must be \(11, 3, H, W\)"):
            measure(decoder, tails, heads, lattices[:4], positions)
        with pytest.raises(ShapeError, match=r"positions must be \(11, 2\)"):
            measure(decoder, tails, heads, lattices, positions[0])
        with pytest.raises(InvalidValueError, match="cells of the 4 by 4 lattices"):
            measure(decoder, tails, heads, lattices, positions + 2)
        with pytest.raises(NonFiniteError, match="NaN or infinite"):
            measure(decoder, tails * torch.nan, heads, lattices, positions)
    with pytest.raises(InvalidValueError, match="n_chords must be at least 1; got 0"):
        chord_edge_lengths(decoder, tails, heads, lattices, positions, n_chords=0)
