import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.evaluation import PriorLikelihood, nll_maps, prior_likelihood, token_usage
from tests.generation.priors import all_sequences, build_prior

N_CODES = 5


def random_tokens(n: int, seed: int = 0) -> Tensor:
    return torch.randint(N_CODES, (n, 3, 4), generator=torch.Generator().manual_seed(seed))


def bigram_prior(tokens: Tensor) -> Tensor:
    """Logits that depend on the position and the token before it."""
    generator = torch.Generator().manual_seed(3)
    table = torch.randn(12, N_CODES + 1, N_CODES, generator=generator)
    previous = F.pad(tokens[:, :-1], (1, 0), value=N_CODES)
    return table[torch.arange(12), previous]


def test_the_likelihood_equals_torchs_cross_entropy_in_float64():
    tokens = random_tokens(7)
    measured = prior_likelihood(bigram_prior, tokens)
    sequences = tokens.flatten(start_dim=1)
    nats = F.cross_entropy(bigram_prior(sequences).double().transpose(1, 2), sequences, reduction="none")
    np.testing.assert_allclose(measured.nll_nats_per_token, nats.mean().item(), rtol=1e-7)
    np.testing.assert_allclose(measured.per_image_nats, nats.sum(dim=1), rtol=1e-7)
    np.testing.assert_allclose(measured.position_nats, nats.mean(dim=0).reshape(3, 4), rtol=1e-7)
    np.testing.assert_allclose(measured.nats_standard_error, nats.sum(dim=1).std().item() / math.sqrt(7), rtol=1e-7)


def test_a_prior_that_knows_nothing_needs_log_k_per_token():
    measured = prior_likelihood(lambda tokens: torch.zeros(*tokens.shape, 8), random_tokens(4))
    np.testing.assert_allclose(measured.nll_nats_per_token, math.log(8), rtol=1e-7)
    np.testing.assert_allclose(measured.bits_per_image, 12 * 3, rtol=1e-7)
    np.testing.assert_allclose(measured.nats_per_image, 12 * math.log(8), rtol=1e-7)
    assert measured.nats_standard_error < 1e-12


def test_a_prior_of_the_observed_frequencies_needs_their_entropy():
    tokens = random_tokens(20)
    usage = token_usage(tokens, N_CODES)
    logits = torch.from_numpy(np.log(usage.probabilities))
    measured = prior_likelihood(lambda sequences: logits.expand(*sequences.shape, N_CODES), tokens)
    np.testing.assert_allclose(measured.bits_per_image, 12 * usage.entropy_bits, rtol=1e-7)


def test_a_prior_that_is_certain_and_right_needs_nothing():
    def certain(tokens: Tensor) -> Tensor:
        logits = torch.full((*tokens.shape, N_CODES), -math.inf)
        return logits.scatter(-1, tokens.unsqueeze(-1), 0.0)

    assert prior_likelihood(certain, random_tokens(3)).nats_per_image == 0


@pytest.mark.parametrize("label", [None, 0, 1])
def test_the_likelihoods_of_all_lattices_sum_to_one(label):
    prior = build_prior(n_codes=2, height=2, width=2, class_counts=None if label is None else (1, 1))
    lattices = all_sequences(prior).reshape(16, 2, 2)
    labels = None if label is None else torch.full((16,), label)
    nats = prior_likelihood(prior, lattices, labels=labels).per_image_nats
    # rtol: the prior's own float32, which may round a position's logits differently in sequences that share its past
    np.testing.assert_allclose(np.exp(-nats).sum(), 1, rtol=1e-5)
    assert np.ptp(nats) > 1  # far from uniform, which would sum to one in any order


def test_maps_sum_to_the_nats_of_each_image():
    tokens = random_tokens(7)
    maps, measured = nll_maps(bigram_prior, tokens), prior_likelihood(bigram_prior, tokens)
    assert maps.shape == (7, 3, 4)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), measured.per_image_nats, rtol=1e-12)
    np.testing.assert_allclose(maps.mean(axis=0), measured.position_nats, rtol=1e-12)
    assert PriorLikelihood.of_maps(maps).summary() == measured.summary()


def test_a_map_shows_what_each_token_costs():
    tokens = random_tokens(3)
    logits = bigram_prior(tokens[1].reshape(1, 12)).double()[0, 6]  # row 1, column 2
    expected = torch.logsumexp(logits, dim=0) - logits[tokens[1, 1, 2]]
    np.testing.assert_allclose(nll_maps(bigram_prior, tokens)[1, 1, 2], expected, rtol=1e-7)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_labels_go_with_their_images(batch_size):
    tokens, labels = random_tokens(5), torch.tensor([3, 0, 1, 1, 2])

    def certain_of_the_label(sequences: Tensor, told: Tensor) -> Tensor:
        return 2.0 * F.one_hot(told, N_CODES)[:, None].expand(*sequences.shape, N_CODES)

    maps = nll_maps(certain_of_the_label, tokens, labels=labels, batch_size=batch_size)
    hits = (tokens == labels[:, None, None]).numpy()
    np.testing.assert_allclose(maps, math.log(math.exp(2) + N_CODES - 1) - 2 * hits, rtol=1e-7)


def test_labels_that_are_not_one_per_image_are_refused():
    with pytest.raises(ShapeError, match=r"labels must be one per image, shape \(2,\); got \(3,\)"):
        nll_maps(bigram_prior, random_tokens(2), labels=torch.zeros(3, dtype=torch.int64))


def test_adding_a_constant_to_the_logits_changes_nothing():
    tokens = random_tokens(5)
    shifted = prior_likelihood(lambda sequences: bigram_prior(sequences).double() + 100, tokens)
    np.testing.assert_allclose(shifted.per_image_nats, prior_likelihood(bigram_prior, tokens).per_image_nats, rtol=1e-7)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_the_batch_size_changes_nothing(batch_size):
    tokens = random_tokens(5)
    whole, parts = prior_likelihood(bigram_prior, tokens), prior_likelihood(bigram_prior, tokens, batch_size=batch_size)
    np.testing.assert_array_equal(parts.per_image_nats, whole.per_image_nats)


def test_arrays_and_tensors_are_the_same():
    tokens = random_tokens(4)
    from_array = prior_likelihood(bigram_prior, tokens.numpy().astype(np.int32))
    np.testing.assert_array_equal(from_array.per_image_nats, prior_likelihood(bigram_prior, tokens).per_image_nats)


def test_positions_are_in_raster_order():
    def sure_of_zero_at_position_6(tokens: Tensor) -> Tensor:
        logits = torch.zeros(*tokens.shape, 2)
        logits[:, 6, 0] = 50
        return logits

    position_nats = prior_likelihood(sure_of_zero_at_position_6, torch.zeros(2, 3, 4, dtype=torch.int64)).position_nats
    assert np.argwhere(position_nats < 0.1).tolist() == [[1, 2]]


def test_no_graph_is_kept():
    weight = torch.ones(1, requires_grad=True)
    prior_likelihood(lambda tokens: bigram_prior(tokens) * weight, random_tokens(2))
    assert weight.grad is None


def test_the_summary_is_plain_numbers():
    summary = prior_likelihood(bigram_prior, random_tokens(3)).summary()
    assert list(summary) == [
        "n_images",
        "prior_nll_nats_per_token",
        "prior_nats_per_image",
        "prior_nats_standard_error",
        "prior_bits_per_image",
    ]
    assert {type(value) for value in summary.values()} == {int, float}


def test_logits_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"must return \(b, L, K\) for tokens of shape \(2, 12\); got \(2, 11, 5\)"):
        prior_likelihood(lambda tokens: bigram_prior(tokens)[:, :-1], random_tokens(2))


def test_tokens_that_the_prior_does_not_know_are_refused():
    tokens = random_tokens(2)
    tokens[0, 0, 0] = 4
    with pytest.raises(InvalidValueError, match=r"tokens must be in \[0, 4\), the codes that the prior knows; got 4"):
        prior_likelihood(lambda sequences: torch.zeros(*sequences.shape, 4), tokens)


def test_negative_tokens_are_refused():
    with pytest.raises(InvalidValueError, match="tokens must be in"):
        prior_likelihood(bigram_prior, random_tokens(2) - 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_not_numbers_are_refused(bad):
    def damaged(tokens: Tensor) -> Tensor:
        logits = bigram_prior(tokens)
        logits[0, 0, 0] = bad
        return logits

    with pytest.raises(NonFiniteError, match="its likelihood is undefined"):
        prior_likelihood(damaged, random_tokens(2))


def test_a_token_that_the_prior_excludes_is_refused():
    def excludes_code_0(tokens: Tensor) -> Tensor:
        logits = torch.zeros(*tokens.shape, N_CODES)
        logits[..., 0] = -math.inf
        return logits

    with pytest.raises(NonFiniteError, match="no probability at all to a token that occurs"):
        prior_likelihood(excludes_code_0, torch.zeros(1, 2, 2, dtype=torch.int64))


def test_a_batch_size_of_nothing_is_refused():
    with pytest.raises(InvalidValueError, match="batch_size must be at least 1; got 0"):
        prior_likelihood(bigram_prior, random_tokens(2), batch_size=0)
