import numpy as np
import pytest
import torch
from torch import nn

import geovq
from geovq.artifacts import write_safetensors
from geovq.errors import ArtifactError, ConfigError, InvalidValueError, NonFiniteError, ShapeError
from geovq.evaluation import token_usage
from geovq.lattice import cells_of
from geovq.progress import SilentProgress
from geovq.tokenization.base import FORMAT, KIND
from tests.geometry.decoders import transposed_conv_decoder

pytestmark = pytest.mark.smoke

METHODS = ("kmeans", "euclidean", "riemannian", "weighted", "ecvq", "prototype")


def lattices(n=60, channels=2, size=5, seed=0):
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(seed))


def config(**changes):
    values = {"n_codes": 8, "n_landmarks": 300, "n_neighbors": 6, "n_images": 60, "residual_variance": 0.0}
    values |= {"bit_price": 0.0, **changes}
    return geovq.DiscretizationConfig(**values)


@pytest.fixture(scope="module")
def decoder():
    return transposed_conv_decoder(channels=2).float()


@pytest.fixture(scope="module", params=METHODS)
def tokenizer(request, decoder):
    return geovq.discretize(decoder, lattices(), config(method=request.param))


def test_tokens_have_the_shape_and_range_of_the_interface(tokenizer):
    tokens = tokenizer.encode(lattices(7, seed=1))
    assert tokens.shape == (7, 5, 5)
    assert tokens.dtype == torch.int64
    assert 0 <= tokens.min() <= tokens.max() < tokenizer.n_codes == 8
    assert tokenizer.decode(tokens).shape == (7, 2, 5, 5)


def test_decoding_looks_every_token_up_in_its_own_place(tokenizer):
    tokens = torch.arange(25).reshape(1, 5, 5) % 8
    quantized = tokenizer.decode(tokens)
    for row in range(5):
        for column in range(5):
            expected = tokenizer.codebook[tokens[0, row, column]]
            assert torch.equal(quantized[0, :, row, column], expected)


def test_codes_encode_to_themselves(tokenizer):
    tokens = torch.arange(8).reshape(1, 2, 4)
    assert torch.equal(tokenizer.encode(tokenizer.decode(tokens)), tokens)


def test_quantizing_twice_changes_nothing(tokenizer):
    once = tokenizer.decode(tokenizer.encode(lattices(9, seed=2)))
    assert torch.equal(tokenizer.decode(tokenizer.encode(once)), once)


def test_batches_change_nothing(tokenizer):
    some = lattices(6, seed=3)
    alone = torch.cat([tokenizer.encode(some[i : i + 1]) for i in range(6)])
    assert torch.equal(tokenizer.encode(some), alone)


def test_a_saved_tokenizer_gives_the_same_tokens_and_the_same_bytes(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "a.safetensors")
    loaded = geovq.load_tokenizer(tmp_path / "a.safetensors")
    loaded.save(tmp_path / "b.safetensors")
    assert loaded.method == tokenizer.method
    assert torch.equal(loaded.encode(lattices(5, seed=4)), tokenizer.encode(lattices(5, seed=4)))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_bytes(method, decoder, tmp_path):
    for name in ("a", "b"):
        geovq.discretize(decoder, lattices(), config(method=method, seed=3)).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("method", ["euclidean", "riemannian", "prototype"])
def test_landmarks_know_their_code_and_medoids_are_their_own(method, decoder):
    tokenizer = geovq.discretize(decoder, lattices(), config(method=method))
    assert torch.equal(tokenizer.label[tokenizer.medoid_indices], torch.arange(8))
    assert (tokenizer.distance_to_medoid[tokenizer.medoid_indices] == 0).all()
    assert (tokenizer.distance_to_medoid >= 0).all()
    codes = tokenizer.subspace.lift(tokenizer.landmarks[tokenizer.medoid_indices])
    np.testing.assert_allclose(codes, tokenizer.codebook, rtol=1e-4, atol=1e-5)


def test_encoding_is_the_stated_rule_evaluated_over_all_candidates(decoder):
    tokenizer = geovq.discretize(decoder, lattices(), config(method="riemannian", n_candidates=16))
    some = lattices(3, seed=5)
    points = tokenizer.subspace.project(cells_of(some)).double().numpy()
    landmarks, metrics = tokenizer.landmarks.double().numpy(), tokenizer.metrics.double().numpy()
    expected = []
    for point in points:
        nearest = np.linalg.norm(landmarks - point, axis=1).argsort()[:16]
        steps = point - landmarks[nearest]
        last_step = np.sqrt(np.einsum("ca,cab,cb->c", steps, metrics[nearest], steps))
        best = nearest[(last_step + tokenizer.distance_to_medoid.numpy()[nearest]).argmin()]
        expected.append(int(tokenizer.label[best]))
    assert tokenizer.encode(some).flatten().tolist() == expected


def test_an_isometric_decoder_makes_both_metrics_agree():
    """Under f(z) = z the pullback metric is the identity, so the two tokenizers are the same one."""
    identity = nn.Identity().eval()
    made = {m: geovq.discretize(identity, lattices(), config(method=m)) for m in ("euclidean", "riemannian")}
    assert torch.equal(made["euclidean"].medoid_indices, made["riemannian"].medoid_indices)
    some = lattices(20, seed=6)
    assert torch.equal(made["euclidean"].encode(some), made["riemannian"].encode(some))


def test_riemannian_codes_go_where_the_decoder_stretches():
    """A decoder that stretches one half of the first axis tenfold: errors there cost a hundredfold."""

    def decode(z):
        return torch.stack([torch.where(z[:, 0] > 0, 10 * z[:, 0], z[:, 0]), z[:, 1]], dim=1)

    held_out = lattices(100, seed=7)
    codes_on_the_right, errors = {}, {}
    for method in ("kmeans", "riemannian"):
        tokenizer = geovq.discretize(decode, lattices(), config(method=method, n_codes=16, n_landmarks=800))
        codes_on_the_right[method] = int((tokenizer.codebook[:, 0] > 0).sum())
        quantized = tokenizer.decode(tokenizer.encode(held_out))
        errors[method] = float((decode(quantized) - decode(held_out)).square().mean())
    assert codes_on_the_right["riemannian"] >= 14
    assert codes_on_the_right["kmeans"] <= 10
    assert errors["riemannian"] < 0.5 * errors["kmeans"]


@pytest.mark.parametrize("method", METHODS)
def test_a_target_rate_is_met_by_the_tokens(method, decoder):
    """So that methods can be compared at one rate; K is whatever that takes."""
    target = config(method=method, n_codes=64, choose_by="rate", target_rate_bits=3.0)
    tokenizer = geovq.discretize(decoder, lattices(), target)
    assert 8 <= tokenizer.n_codes < 64
    rate_bits = token_usage(tokenizer.encode(lattices(400, seed=8)), tokenizer.n_codes).entropy_bits
    assert rate_bits == pytest.approx(3.0, abs=0.3)  # the choice counts landmarks; other cells differ a little


def test_how_the_number_of_codes_was_chosen_is_told():
    class Listener(SilentProgress):
        def __init__(self):
            self.notes, self.rows = [], []

        def note(self, message):
            self.notes.append(message)

        def record(self, row):
            self.rows.append(row)

    listener = Listener()
    chosen = config(method="euclidean", n_codes=12, choose_by="silhouette")
    tokenizer = geovq.discretize(nn.Identity().eval(), lattices(), chosen, progress=listener)
    assert listener.notes == [f"euclidean: {tokenizer.n_codes} codes have the best silhouette, "
                              f"{max(row['silhouette'] for row in listener.rows):.3f}, of up to 12."]  # fmt: skip
    assert [row["n_codes"] for row in listener.rows] == [2, 3, 4, 6, 8, 12]
    assert [row["n_codes"] for row in listener.rows if row["taken"]] == [tokenizer.n_codes]
    listener.rows.clear()
    geovq.discretize(nn.Identity().eval(), lattices(), config(method="euclidean"), progress=listener)
    assert listener.rows == []


class Notebook(SilentProgress):
    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


@pytest.mark.parametrize("method", ["weighted", "ecvq"])
def test_a_price_buys_fewer_bits_and_says_what_it_left_of_the_codes(method, decoder):
    held_out, bits = lattices(200, seed=9), []
    for bit_price in (0, 0.3, 3):
        tokenizer = geovq.discretize(decoder, lattices(), config(method=method, n_codes=32, bit_price=bit_price))
        bits.append(token_usage(tokenizer.encode(held_out), 32).entropy_bits)
    assert bits[0] > bits[1] > bits[2] > 0
    listener = Notebook()
    tokenizer = geovq.discretize(decoder, lattices(), config(method=method, bit_price=1e5), progress=listener)
    assert len(tokenizer.encode(held_out).unique()) == 1
    assert f"{method}: of 8 codes, only one code is left at a bit price of 100000; lower" in listener.notes[-1]


def test_the_local_metric_makes_less_error_in_the_picture_than_its_euclidean_twin_and_the_medoids(decoder):
    held_out, errors = lattices(200, seed=10), {}
    for method, assign in (("weighted", "landmark"), ("ecvq", "landmark"), ("riemannian", "local"),
                           ("riemannian", "landmark")):  # fmt: skip
        made = geovq.discretize(decoder, lattices(), config(method=method, n_codes=32, assign=assign))
        quantized = made.decode(made.encode(held_out))
        errors[method, assign] = float((decoder(quantized) - decoder(held_out)).square().mean().detach())
    assert errors["weighted", "landmark"] == min(errors.values())
    assert errors["riemannian", "local"] < errors["riemannian", "landmark"]


def test_under_an_isometric_decoder_the_local_metric_is_its_euclidean_twin():
    identity = nn.Identity().eval()
    made = [geovq.discretize(identity, lattices(), config(method=m, bit_price=0.5)) for m in ("weighted", "ecvq")]
    np.testing.assert_allclose(made[0].codebook, made[1].codebook, rtol=1e-4, atol=1e-5)
    some = lattices(20, seed=6)
    assert torch.equal(made[0].encode(some), made[1].encode(some))


@pytest.mark.parametrize("solver", ["graph-lloyd", "alternate"])
def test_every_solver_makes_a_tokenizer_of_the_same_kind(solver, decoder):
    tokenizer = geovq.discretize(decoder, lattices(), config(solver=solver))
    assert torch.equal(tokenizer.label[tokenizer.medoid_indices], torch.arange(8))
    assert (tokenizer.distance_to_medoid[tokenizer.medoid_indices] == 0).all()
    assert tokenizer.distance_to_medoid.dtype == torch.float32
    spread = tokenizer.distance_to_medoid.square().mean()
    fasterpam = geovq.discretize(decoder, lattices(), config(solver="fasterpam"))
    assert spread < 2 * fasterpam.distance_to_medoid.square().mean()


def test_fewer_lattices_than_n_images_are_all_used(decoder):
    made = geovq.discretize(decoder, lattices(30), config(method="riemannian", n_images=500))
    assert made.landmarks.shape == (300, 2)


def test_bad_input_is_named(decoder, tokenizer):
    with pytest.raises(ConfigError, match="n_codes must be at most n_landmarks = 300"):
        config(n_codes=301)
    with pytest.raises(ConfigError, match="n_neighbors must be below n_landmarks = 200; got 200"):
        config(n_landmarks=200, n_neighbors=200)
    with pytest.raises(ConfigError, match=r"n_code is not a setting; did you mean n_codes\."):
        geovq.DiscretizationConfig(n_code=3)
    with pytest.raises(InvalidValueError, match="n_landmarks must be at most 250"):
        geovq.discretize(decoder, lattices(10), config())
    with pytest.raises(NonFiniteError, match="lattices contain NaN"):
        geovq.discretize(decoder, lattices() * torch.nan, config())
    with pytest.raises(NonFiniteError, match="decoder returned NaN"):
        geovq.discretize(lambda z: decoder(z) * torch.nan, lattices(), config())
    with pytest.raises(InvalidValueError, match="posterior collapse"):
        geovq.discretize(decoder, torch.zeros_like(lattices()), config())
    with pytest.raises(ShapeError, match="2 channels"):
        tokenizer.encode(lattices(channels=3))
    with pytest.raises(NonFiniteError, match="lattices contain NaN"):
        tokenizer.encode(lattices() * torch.inf)
    with pytest.raises(InvalidValueError, match=r"in \[0, 8\).*got 0 to 8"):
        tokenizer.decode(torch.tensor([[[0, 8]]]))
    with pytest.raises(InvalidValueError, match="integers"):
        tokenizer.decode(torch.zeros(1, 2, 2))
    with pytest.raises(ShapeError, match=r"\(n, H, W\)"):
        tokenizer.decode(torch.zeros(4, dtype=torch.int64))


def test_damaged_and_foreign_files_are_named(tokenizer, tmp_path):
    path = tmp_path / "t.safetensors"
    with pytest.raises(ArtifactError, match=r"t\.safetensors does not exist; make it again"):
        geovq.load_tokenizer(path)
    tokenizer.save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ArtifactError, match=r"t\.safetensors is damaged"):
        geovq.load_tokenizer(path)


def test_a_file_that_encodes_in_an_unknown_way_is_named(tmp_path):
    path = tmp_path / "later.safetensors"
    metadata = {"encoding": "hyperbolic", "method": "later"}
    write_safetensors(path, {"codebook": torch.zeros(2, 3)}, kind=KIND, format=FORMAT, metadata=metadata)
    with pytest.raises(ArtifactError, match=r"later\.safetensors holds a tokenizer that encodes by 'hyperbolic'"):
        geovq.load_tokenizer(path)
