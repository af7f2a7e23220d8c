"""The landmark rule against its definition by brute force, in both implementations; margins; invariances."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import geovq
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import ActiveSubspace
from geovq.lattice import cells_of
from geovq.tokenization import LandmarkTokenizer, NearestCodeTokenizer
from geovq.tokenization.landmark_rule import LandmarkRule, codes_by_all_distances, codes_by_boxes

CHANNELS = 6


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rule(n_active, n_landmarks, n_codes=5, n_candidates=16, seed=0):
    frame, _ = torch.linalg.qr(random(CHANNELS, CHANNELS, seed=seed))
    roots = random(n_landmarks, n_active, n_active, seed=seed + 1)
    label = torch.randint(n_codes, (n_landmarks,), generator=torch.Generator().manual_seed(seed))
    return LandmarkRule(
        subspace=ActiveSubspace(
            random(CHANNELS, seed=seed + 2), frame[:, :n_active].contiguous(), torch.ones(CHANNELS)
        ),
        landmarks=random(n_landmarks, n_active, seed=seed + 3),
        metrics=roots @ roots.mT,
        distance_to_medoid=random(n_landmarks, seed=seed + 4).abs(),
        label=label,
        n_candidates=n_candidates,
    )


def cells_near(made, n, seed=10):
    """Cells whose coordinates are spread like the landmarks."""
    return random(n, CHANNELS, seed=seed) @ made.subspace.basis @ made.subspace.basis.T + made.subspace.mean


def by_definition(cells, made):
    """Codes and margins in float64, one cell at a time."""
    landmarks, metrics = made.landmarks.double().numpy(), made.metrics.double().numpy()
    to_medoid, label = made.distance_to_medoid.double().numpy(), made.label.numpy()
    points = (cells.double() - made.subspace.mean.double()) @ made.subspace.basis.double()
    codes, margins = [], []
    for point in points.numpy():
        nearest = np.argsort(np.linalg.norm(landmarks - point, axis=1), kind="stable")[: made.n_candidates]
        steps = point - landmarks[nearest]
        ways = np.sqrt(np.einsum("ca,cab,cb->c", steps, metrics[nearest], steps)) + to_medoid[nearest]
        shortest = {code: ways[label[nearest] == code].min() for code in label[nearest]}
        codes.append(min(shortest, key=shortest.get))
        margins.append(min((way for code, way in shortest.items() if code != codes[-1]), default=np.inf) - ways.min())
    return codes, margins


def require_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("n_active", "n_landmarks"), [*itertools.product([1, 2, 4], [1, 3, 16, 17, 400]), (6, 1), (6, 400)]
)
def test_codes_and_margins_are_those_of_the_definition(n_active, n_landmarks):
    made = rule(n_active, n_landmarks)
    cells = cells_near(made, 300)
    codes, margins = codes_by_boxes(cells, made)
    expected_codes, expected_margins = by_definition(cells, made)
    assert codes.tolist() == expected_codes
    np.testing.assert_allclose(margins, expected_margins, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("n_active", "n_landmarks", "n_codes"), [(1, 50, 5), (2, 400, 400), (4, 900, 3), (6, 200, 20)])
def test_the_kernel_gives_every_bit_of_the_reference(n_active, n_landmarks, n_codes):
    made = rule(n_active, n_landmarks, n_codes)
    cells = cells_near(made, 5_000)
    require_equal(codes_by_boxes(cells, made), codes_by_all_distances(cells, made))


@pytest.mark.parametrize("n_candidates", [1, 2, 16, 300])
def test_ties_are_decided_by_the_landmark_in_both_implementations(n_candidates):
    """Landmarks and cells on one small grid: many equal distances, and many landmarks at each place."""
    made = rule(2, 300, n_codes=6, n_candidates=n_candidates)
    grid = torch.randint(4, (300, 2), generator=torch.Generator().manual_seed(1)).float()
    frame = torch.eye(CHANNELS)[:, :2].contiguous()
    subspace = ActiveSubspace(torch.zeros(CHANNELS), frame, torch.ones(CHANNELS))
    made = made._replace(landmarks=grid, subspace=subspace)
    cells = torch.randint(-2, 6, (4_000, CHANNELS), generator=torch.Generator().manual_seed(2)).float() / 2
    codes, margins = codes_by_boxes(cells, made)
    require_equal((codes, margins), codes_by_all_distances(cells, made))
    if n_candidates == 1:
        nearest = (cells[:, None, :2] - grid).square().sum(dim=2).argmin(dim=1)  # the first of equals
        assert torch.equal(codes, made.label[nearest])
        assert torch.isinf(margins).all()


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 2), min_size=1, max_size=60),
    landmarks=st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 2), min_size=1, max_size=40),
    n_candidates=st.integers(1, 20),
)
def test_no_placement_of_cells_and_landmarks_makes_the_kernel_differ(cells, landmarks, n_candidates):
    """Clusters, lines, huge and tiny gaps, denormal numbers: whatever hypothesis thinks of."""
    made = rule(2, len(landmarks), n_candidates=n_candidates)
    plane = ActiveSubspace(torch.zeros(2), torch.eye(2), torch.ones(2))
    made = made._replace(landmarks=torch.tensor(landmarks, dtype=torch.float32), subspace=plane)
    points = torch.tensor(cells, dtype=torch.float32)
    require_equal(codes_by_boxes(points, made), codes_by_all_distances(points, made))


def test_neither_threads_nor_chunks_nor_order_change_a_bit():
    made = rule(3, 500, n_codes=30)
    cells = cells_near(made, 20_000)
    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = codes_by_boxes(cells, made)
        torch.set_num_threads(5)
        require_equal(codes_by_boxes(cells, made), expected)
        assert torch.get_num_threads() == 5
    finally:
        torch.set_num_threads(n_threads)
    pieces = [codes_by_boxes(piece, made) for piece in torch.split(cells[:3_000], 7)]
    require_equal([torch.cat(part) for part in zip(*pieces, strict=True)], [part[:3_000] for part in expected])
    shuffled = torch.randperm(len(cells), generator=torch.Generator().manual_seed(3))
    require_equal(codes_by_boxes(cells[shuffled], made), [part[shuffled] for part in expected])


def test_chunks_of_the_reference_change_nothing(monkeypatch):
    made = rule(2, 100)
    cells = cells_near(made, 500)
    expected = codes_by_all_distances(cells, made)
    monkeypatch.setattr("geovq.tokenization.landmark_rule._DISTANCES_PER_CHUNK", 777)
    require_equal(codes_by_all_distances(cells, made), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_tokens_of_the_cpu():
    made = rule(4, 900, n_codes=30)
    cells = cells_near(made, 5_000)
    codes, margins = codes_by_all_distances(cells.cuda(), made)
    expected_codes, expected_margins = codes_by_boxes(cells, made)
    assert torch.equal(codes.cpu(), expected_codes)
    np.testing.assert_allclose(margins.cpu(), expected_margins, rtol=1e-4, atol=1e-5)


def tokenizer(made):
    """Whose codes are the first landmarks."""
    n_codes = int(made.label.max()) + 1
    medoids = torch.arange(n_codes)
    return LandmarkTokenizer(
        "riemannian",
        made.subspace.lift(made.landmarks[:n_codes]),
        *made[:3],
        label=made.label,
        distance_to_medoid=made.distance_to_medoid,
        medoid_indices=medoids,
        n_candidates=made.n_candidates,
        cost_history=torch.zeros(1),
        medoid_history=medoids[None],
    )


def landmark_tokenizer(n_codes=20, n_landmarks=300):
    made = rule(3, n_landmarks, n_codes)
    made.label[:n_codes] = torch.arange(n_codes)
    made.distance_to_medoid[:n_codes] = 0
    made.distance_to_medoid[n_codes:] += 0.1
    return tokenizer(made)


def nearest_code_tokenizer(n_codes=20):
    return NearestCodeTokenizer("kmeans", random(n_codes, CHANNELS, seed=5))


@pytest.fixture(params=[landmark_tokenizer, nearest_code_tokenizer])
def make_tokenizer(request):
    return request.param


def test_tokens_with_margin_are_the_tokens(make_tokenizer):
    made, lattices = make_tokenizer(), random(30, CHANNELS, 4, 5, seed=6)
    tokens, margin = made.encode_with_margin(lattices)
    assert torch.equal(tokens, made.encode(lattices))
    assert tokens.dtype == torch.int64
    assert margin.dtype == torch.float32
    assert tokens.shape == margin.shape == (30, 4, 5)
    assert (margin >= 0).all()


def test_every_medoid_encodes_to_itself(make_tokenizer):
    """So quantizing twice is quantizing once."""
    made = make_tokenizer()
    tokens = torch.arange(20).reshape(1, 4, 5)
    assert torch.equal(made.encode(made.decode(tokens)), tokens)


def test_lattices_may_be_empty_differentiable_wide_or_laid_out_otherwise(make_tokenizer):
    made, lattices = make_tokenizer(), random(8, CHANNELS, 4, 5, seed=7)
    expected = made.encode(lattices)
    assert made.encode(lattices[:0]).shape == (0, 4, 5)
    assert torch.equal(made.encode(lattices.clone().requires_grad_()), expected)
    assert torch.equal(made.encode(lattices.double()), expected)
    assert torch.equal(made.encode(lattices.contiguous(memory_format=torch.channels_last)), expected)


def test_one_code_has_no_rival(make_tokenizer):
    assert torch.isposinf(make_tokenizer(1).encode_with_margin(random(2, CHANNELS, 3, 3)).margin).all()


def test_margin_of_the_nearest_code_is_the_lead_over_the_second():
    made, lattices = nearest_code_tokenizer(), random(5, CHANNELS, 4, 5, seed=8)
    cells = lattices.permute(0, 2, 3, 1).reshape(-1, CHANNELS).double()
    distances = (cells[:, None] - made.codebook.double()).norm(dim=2).sort(dim=1).values
    margin = made.encode_with_margin(lattices).margin.flatten()
    np.testing.assert_allclose(margin, distances[:, 1] - distances[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_codes", [2, 3])
def test_a_tie_has_no_margin_and_goes_to_the_first(n_codes):
    """A cell in the middle between two codes; a third one lies too far off to matter."""
    ends = torch.tensor([[-1.0], [1.0], [9.0]])[:n_codes]
    line = ActiveSubspace(torch.zeros(1), torch.ones(1, 1), torch.ones(1))
    flat, none = torch.ones(n_codes, 1, 1), torch.zeros(n_codes)
    landmarks = tokenizer(LandmarkRule(line, ends, flat, none, torch.arange(n_codes), n_candidates=16))
    for made in (landmarks, NearestCodeTokenizer("kmeans", ends)):
        tokens, margin = made.encode_with_margin(torch.tensor([0.0, -0.75]).reshape(1, 1, 1, 2))
        assert tokens.flatten().tolist() == [0, 0]
        assert margin.flatten().tolist() == [0, 1.5]


def test_margins_scale_with_the_metric_and_tokens_do_not():
    made = rule(3, 200)
    cells = cells_near(made, 1_000)
    codes, margins = codes_by_boxes(cells, made)
    wider = made._replace(metrics=made.metrics * 16, distance_to_medoid=made.distance_to_medoid * 4)
    require_equal(codes_by_boxes(cells, wider), (codes, margins * 4))  # powers of two: no rounding


def test_the_shipped_tokenizers_know_their_margins():
    run = geovq.open_run("checkpoints/demo")
    lattices = run.geometry().sample.lattices[:50]
    margin = {name: run.tokenizers[name].encode_with_margin(lattices).margin for name in ("kmeans", "riemannian")}
    assert torch.isfinite(margin["kmeans"]).all()
    certain = torch.isinf(margin["riemannian"]).float().mean()  # the black background, above all
    assert 0.2 < certain < 0.8


def test_bad_lattices_are_named(make_tokenizer):
    made = make_tokenizer()
    with pytest.raises(ShapeError, match=r"6 channels.*got \(2, 5, 4, 4\)\. Encode the images with the same auto"):
        made.encode_with_margin(random(2, 5, 4, 4))
    with pytest.raises(ShapeError, match=r"\(B, D, H, W\); got \(6, 4\)"):
        made.encode_with_margin(random(6, 4))
    with pytest.raises(InvalidValueError, match=r"floating-point.*torch\.int64\. Tokens become lattices with"):
        made.encode_with_margin(torch.zeros(1, 6, 2, 2, dtype=torch.int64))
    for bad in (torch.nan, torch.inf, -torch.inf):
        lattices = random(2, 6, 4, 4)
        lattices[1, 3, 2, 1] = bad
        with pytest.raises(NonFiniteError, match="NaN or infinity; check the encoder"):
            made.encode_with_margin(lattices)


def test_the_local_rule_takes_the_medoid_of_least_error_under_the_nearest_landmarks_metric(tmp_path):
    made = replace(landmark_tokenizer(), assign="local")
    lattices = random(5, CHANNELS, 4, 4, seed=21)
    points = made.subspace.project(cells_of(lattices)).double()
    codes = made.subspace.project(made.codebook).double()
    nearest = torch.cdist(points, made.landmarks.double()).argmin(dim=1)
    steps = points[:, None] - codes
    errors = torch.einsum("mka,mab,mkb->mk", steps, made.metrics.double()[nearest], steps)
    encoding = made.encode_with_margin(lattices)
    assert torch.equal(encoding.tokens.flatten(), errors.argmin(dim=1))
    ordered = errors.sort(dim=1).values
    np.testing.assert_allclose(encoding.margin.flatten(), ordered[:, 1] - ordered[:, 0], rtol=1e-3, atol=1e-4)
    assert not torch.equal(encoding.tokens, landmark_tokenizer().encode(lattices))
    made.save(tmp_path / "local.safetensors")
    loaded = geovq.load_tokenizer(tmp_path / "local.safetensors")
    assert torch.equal(loaded.encode(lattices), encoding.tokens)
