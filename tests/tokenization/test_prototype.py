"""The published rules, each against what it is said to do; and that they lose."""

import numpy as np
import pytest
import torch
from scipy.sparse import coo_matrix
from sklearn.neighbors import kneighbors_graph
from torch import nn

import geovq
from geovq.data import load_images
from geovq.errors import InvalidValueError
from geovq.evaluation import distortion
from geovq.geometry import sample_landmarks
from geovq.lattice import cells_of
from geovq.tokenization import fit_tokenizer
from geovq.tokenization.prototype import prototype_distances, prototype_edge_weights, prototype_edges

CHANNELS, SIZE = 3, 4


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def weights_of(decode, points, positions=None, background=None, **options):
    """Weights of a path through all points."""
    tails, heads = np.arange(len(points) - 1), np.arange(1, len(points))
    positions = np.zeros(len(points), dtype=np.int64) if positions is None else np.asarray(positions)
    background = torch.zeros(points.shape[1], SIZE, SIZE) if background is None else background
    return prototype_edge_weights(decode, points, positions, tails, heads, background, **options)


def config(**changes):
    values = {"n_codes": 8, "n_landmarks": 300, "n_neighbors": 6, "n_images": 60, **changes}
    return geovq.DiscretizationConfig(method="prototype", **values)


def test_under_an_isometry_every_edge_weighs_one_however_long_it_is():
    """Why the published geodesics count hops instead of measuring ways."""
    points = random(50, CHANNELS) * torch.logspace(-2, 2, 50)[:, None]
    np.testing.assert_allclose(weights_of(nn.Identity(), points), 1.0, rtol=1e-4)


def test_a_weight_is_the_stretch_of_the_decoder_along_the_edge():
    stretch = random(5, CHANNELS, seed=1)
    points = random(30, CHANNELS)
    steps = points[1:] - points[:-1]
    expected = (steps @ stretch.T).norm(dim=1) / steps.norm(dim=1)
    decode = lambda lattices: torch.einsum("pd,ndhw->nphw", stretch, lattices)  # noqa: E731
    np.testing.assert_allclose(weights_of(decode, points), expected, rtol=1e-4)


def test_the_derivative_is_taken_in_the_middle_of_an_edge():
    points = torch.tensor([[1.0, 0, 0], [3.0, 0, 0]])
    np.testing.assert_allclose(weights_of(lambda z: z**2, points), 4.0, rtol=1e-4)  # d z² / dz = 2 z at z = 2


def test_of_two_positions_the_smaller_one_is_differentiated():
    gains = torch.arange(1.0, 1 + SIZE * SIZE).reshape(SIZE, SIZE)
    weights = weights_of(lambda z: z * gains, random(4, CHANNELS), positions=[7, 5, 11, 0])
    np.testing.assert_allclose(weights, [6, 6, 1], rtol=1e-4)


def test_the_rest_of_the_lattice_is_the_background():
    """A cell that is multiplied by its neighbour is stretched by what stands there."""
    background = torch.full((1, SIZE, SIZE), 2.5)
    decode = lambda lattices: lattices[:, :, 1, 2] * lattices[:, :, 1, 3]  # noqa: E731
    weights = weights_of(decode, random(9, 1), positions=[6] * 9, background=background)
    np.testing.assert_allclose(weights, 2.5, rtol=1e-4)


def test_coinciding_ends_keep_the_smallest_weight():
    np.testing.assert_array_equal(weights_of(nn.Identity(), torch.ones(3, CHANNELS)), np.float32(1e-5))


def test_batches_change_no_weight():
    decode = nn.Sequential(nn.Conv2d(CHANNELS, 4, 3, padding=1), nn.SiLU(), nn.ConvTranspose2d(4, 1, 4, 2, 1))
    points, positions = random(30, CHANNELS), np.arange(30) % SIZE**2
    whole = weights_of(decode, points, positions, batch_size=64)
    np.testing.assert_allclose(weights_of(decode, points, positions, batch_size=7), whole, rtol=1e-4)


def test_edges_are_the_union_of_neighbours_that_scikit_learn_finds_when_each_point_counts_itself():
    points = random(120, CHANNELS).numpy()
    found = kneighbors_graph(points, 6, include_self=True)
    union = (found + found.T).tocoo()
    expected = {(a, b) for a, b in zip(union.row.tolist(), union.col.tolist(), strict=True) if a < b}
    tails, heads = prototype_edges(points, 6)
    assert set(zip(tails.tolist(), heads.tolist(), strict=True)) == expected
    assert len(tails) == len(expected)


def test_gaps_are_filled_with_twice_the_largest_distance():
    graph = coo_matrix(([1.0, 2.0, 0.5], ([0, 1, 3], [1, 2, 4])), shape=(5, 5)).tocsr()
    distances, n_invented = prototype_distances(graph)
    np.testing.assert_array_equal(
        distances,
        [[0, 1, 3, 6, 6], [1, 0, 2, 6, 6], [3, 2, 0, 6, 6], [6, 6, 6, 0, 0.5], [6, 6, 6, 0.5, 0]],
    )
    assert n_invented == 12


def test_a_gap_is_told_of():
    notes = []
    lattices = random(60, 2, 5, 5)
    lattices[30:] += 1_000

    class Listener(geovq.progress.SilentProgress):
        def note(self, message):
            notes.append(message)

    geovq.discretize(nn.Identity().eval(), lattices, config(n_landmarks=1_500), progress=Listener())
    assert notes == [
        "prototype: 1,125,000 of 2,250,000 distances do not exist, since the graph is in pieces; "
        "by its rules they are 2 times the largest one."
    ]


def test_landmarks_are_the_first_cells_of_the_first_images():
    lattices = random(60, 2, 5, 5)
    tokenizer = geovq.discretize(nn.Identity().eval(), lattices, config())
    landmarks = tokenizer.subspace.lift(tokenizer.landmarks)
    np.testing.assert_allclose(landmarks, cells_of(lattices)[:300], rtol=1e-4, atol=1e-5)


def test_a_cell_gets_the_code_of_the_landmark_nearest_in_all_channels():
    lattices = random(60, 2, 5, 5) * torch.tensor([1.0, 0.02])[:, None, None]  # a residual variance of 0.04 %
    tokenizer = geovq.discretize(nn.Identity().eval(), lattices, config())
    cells = cells_of(random(20, 2, 5, 5, seed=1) * torch.tensor([1.0, 0.02])[:, None, None])
    nearest = torch.cdist(cells, cells_of(lattices)[:300]).argmin(dim=1)
    tokens = tokenizer.encode(cells.T.reshape(1, 2, 20, 25)).flatten()
    assert torch.equal(tokens, tokenizer.label[nearest])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_riemannian_beats_it_on_a_trained_decoder(seed, tiny_run):
    model = geovq.open_run(tiny_run).autoencoder("riemannian")
    with torch.no_grad():
        train, test = (model.encode(load_images("mnist-sample", split).batch(torch.arange(100))) for split in
                       ("train", "test"))  # fmt: skip
    errors = {}
    for method in ("prototype", "riemannian"):
        settings = geovq.DiscretizationConfig(
            method=method, n_codes=16, n_landmarks=250, n_images=40, n_neighbors=8, seed=seed
        )
        tokenizer = geovq.discretize(model.decode, train, settings)
        errors[method] = distortion(model.decode, test, tokenizer.decode(tokenizer.encode(test))).mean
    assert errors["riemannian"] < 0.5 * errors["prototype"]


def test_what_it_needs_is_named():
    with pytest.raises(InvalidValueError, match=r"n_neighbors must be at least 2 for the prototype tokenizer.*got 1"):
        prototype_edges(random(9, 2).numpy(), 1)
    sample = sample_landmarks(random(60, 2, 5, 5), config(), seed=0)
    with pytest.raises(InvalidValueError, match="needs decode= for the prototype tokenizer; got None"):
        fit_tokenizer(sample, lambda: None, config())
