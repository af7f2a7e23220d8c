"""The local quadratic rule against its definition by brute force, in both implementations; invariances; files."""

import itertools

import numpy as np
import pytest
import torch

import geovq
from geovq.artifacts import read_safetensors, write_safetensors
from geovq.errors import ArtifactError, NonFiniteError, ShapeError
from geovq.geometry import ActiveSubspace
from geovq.tokenization.base import FORMAT, KIND
from geovq.tokenization.local_metric import LocalMetricTokenizer
from geovq.tokenization.local_rule import (
    LocalRule,
    codes_by_all_costs,
    codes_by_kernel,
    local_codes,
    nearest_landmarks,
)

CHANNELS = 6


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rule(n_active=3, n_landmarks=200, n_codes=20, seed=0):
    frame, _ = torch.linalg.qr(random(CHANNELS, CHANNELS, seed=seed))
    roots = random(n_landmarks, n_active, n_active, seed=seed + 1)
    return LocalRule(
        subspace=ActiveSubspace(
            random(CHANNELS, seed=seed + 2), frame[:, :n_active].contiguous(), torch.ones(CHANNELS)
        ),
        landmarks=random(n_landmarks, n_active, seed=seed + 3),
        metrics=roots @ roots.mT,
        codebook=random(n_codes, CHANNELS, seed=seed + 4),
        prices=random(n_codes, seed=seed + 5).abs(),
    )


def costs_by_definition(cells, made):
    """(m, K), in float64, and the nearest landmarks."""

    def project(latents):
        return ((latents.double() - made.subspace.mean.double()) @ made.subspace.basis.double()).numpy()

    points, codes = project(cells), project(made.codebook)
    nearest = np.linalg.norm(points[:, None] - made.landmarks.double().numpy(), axis=2).argmin(axis=1)
    steps, metrics = points[:, None] - codes, made.metrics.double().numpy()[nearest]
    return np.einsum("mka,mab,mkb->mk", steps, metrics, steps) + made.prices.double().numpy(), nearest


def require_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(("n_active", "n_codes"), [*itertools.product([1, 2, 4, 6], [1, 2, 40])])
def test_codes_and_margins_are_those_of_the_definition(n_active, n_codes):
    made = rule(n_active, n_codes=n_codes)
    cells = random(300, CHANNELS, seed=9)
    costs, nearest = costs_by_definition(cells, made)
    codes, margins = local_codes(cells, made)
    assert nearest_landmarks(cells, made.subspace, made.landmarks).tolist() == nearest.tolist()
    assert codes.tolist() == costs.argmin(axis=1).tolist()
    ordered = np.sort(np.pad(costs, ((0, 0), (0, 1)), constant_values=np.inf), axis=1)
    np.testing.assert_allclose(margins, ordered[:, 1] - ordered[:, 0], rtol=1e-3, atol=1e-4)  # of float32 costs


@pytest.mark.parametrize(("n_active", "n_codes"), [(1, 5), (3, 300), (4, 64), (6, 1)])
def test_the_kernel_gives_every_bit_of_the_reference(n_active, n_codes):
    made = rule(n_active, n_codes=n_codes)
    cells = random(4_000, CHANNELS, seed=1)
    nearest = nearest_landmarks(cells, made.subspace, made.landmarks)
    require_equal(codes_by_kernel(cells, nearest, made), codes_by_all_costs(cells, nearest, made))


def test_of_equally_cheap_codes_the_first_is_taken_and_the_margin_is_zero():
    made = rule(n_codes=6)
    made = made._replace(codebook=made.codebook[[0, 1, 0, 1, 0, 1]], prices=torch.zeros(6))
    cells = random(500, CHANNELS, seed=2)
    nearest = nearest_landmarks(cells, made.subspace, made.landmarks)
    for codes, margins in (codes_by_kernel(cells, nearest, made), codes_by_all_costs(cells, nearest, made)):
        assert set(codes.tolist()) == {0, 1}
        assert (margins == 0).all()


def test_a_code_of_infinite_price_is_never_taken():
    made = rule(n_codes=8)
    prices = torch.full((8,), torch.inf)
    prices[5] = 3.0
    codes, margins = local_codes(random(200, CHANNELS), made._replace(prices=prices))
    assert (codes == 5).all()
    assert torch.isinf(margins).all()


def test_neither_threads_nor_chunks_nor_order_change_a_bit():
    made = rule()
    cells = random(20_000, CHANNELS, seed=3)
    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = local_codes(cells, made)
        torch.set_num_threads(5)
        require_equal(local_codes(cells, made), expected)
    finally:
        torch.set_num_threads(n_threads)
    pieces = [local_codes(piece, made) for piece in torch.split(cells[:2_000], 7)]
    require_equal([torch.cat(part) for part in zip(*pieces, strict=True)], [part[:2_000] for part in expected])
    shuffled = torch.randperm(len(cells), generator=torch.Generator().manual_seed(3))
    require_equal(local_codes(cells[shuffled], made), [part[shuffled] for part in expected])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_tokens_of_the_cpu():
    made = rule(4, 900, n_codes=256)
    cells = random(20_000, CHANNELS, seed=4)
    codes, margins = local_codes(cells.cuda(), made)
    expected_codes, expected_margins = local_codes(cells, made)
    assert torch.equal(codes.cpu(), expected_codes)
    np.testing.assert_allclose(margins.cpu(), expected_margins, rtol=1e-4, atol=1e-5)


def tokenizer(price_per_bit=0.05, n_codes=20):
    made = rule(n_codes=n_codes)
    shares = torch.rand(n_codes, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    shares[3] = 0
    return LocalMetricTokenizer(
        method="weighted",
        codebook=made.codebook,
        subspace=made.subspace,
        landmarks=made.landmarks,
        metrics=made.metrics,
        log2_frequencies=(shares / shares.sum()).log2(),
        price_per_bit=price_per_bit,
        cost_history=torch.tensor([2.0, 1.0], dtype=torch.float64),
    )


def test_a_code_without_frequency_is_taken_only_where_bits_are_free():
    lattices = random(20, CHANNELS, 5, 5, seed=7)
    assert 3 in tokenizer(price_per_bit=0.0).encode(lattices)
    assert 3 not in tokenizer(price_per_bit=1e-9).encode(lattices)


def test_tokens_are_the_codes_of_the_cells_in_their_places():
    made = tokenizer()
    lattices = random(4, CHANNELS, 5, 3, seed=8)
    encoding = made.encode_with_margin(lattices)
    assert encoding.tokens.shape == encoding.margin.shape == (4, 5, 3)
    one = made.encode_with_margin(lattices[2:3, :, 1:2, 2:3])
    assert torch.equal(one.tokens[0, 0, 0], encoding.tokens[2, 1, 2])
    assert torch.equal(made.decode(encoding.tokens)[2, :, 1, 2], made.codebook[encoding.tokens[2, 1, 2]])
    assert made.encode(lattices[:0]).shape == (0, 5, 3)


def test_a_saved_tokenizer_gives_the_same_tokens_and_the_same_bytes(tmp_path):
    made = tokenizer(price_per_bit=0.1)
    made.save(tmp_path / "a.safetensors")
    loaded = geovq.load_tokenizer(tmp_path / "a.safetensors")
    loaded.save(tmp_path / "b.safetensors")
    assert (loaded.method, loaded.price_per_bit, loaded.n_codes) == ("weighted", 0.1, 20)
    assert torch.equal(loaded.encode(random(9, CHANNELS, 4, 4)), made.encode(random(9, CHANNELS, 4, 4)))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_bad_input_is_named(tmp_path):
    made = tokenizer()
    with pytest.raises(ShapeError, match="6 channels"):
        made.encode(random(2, 5, 3, 3))
    with pytest.raises(NonFiniteError, match="lattices contain NaN"):
        made.encode(random(2, CHANNELS, 3, 3) * torch.nan)
    path = tmp_path / "t.safetensors"
    for broken, message in (
        ({"metrics": made.metrics[1:]}, "metrics must have shape"),
        ({"log2_frequencies": made.log2_frequencies + 9}, "log2_frequencies must be at most 0"),
        ({"landmarks": made.landmarks * torch.nan}, "landmarks holds NaN"),
    ):
        made.save(path)
        tensors, metadata = read_safetensors(path, KIND, FORMAT)
        write_safetensors(path, tensors | broken, kind=KIND, format=FORMAT, metadata=metadata)
        with pytest.raises(ArtifactError, match=f"is damaged .{message}"):
            geovq.load_tokenizer(path)
    made.save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ArtifactError, match="is damaged"):
        geovq.load_tokenizer(path)
