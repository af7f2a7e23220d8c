from itertools import combinations, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from geovq.config import PriorConfig
from geovq.errors import Cancelled, InvalidValueError, NonFiniteError, ShapeError
from geovq.generation import filter_logits, sample_tokens
from geovq.models.prior import LatticePrior
from geovq.progress import SilentProgress
from geovq.randomness import make_generator

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}
probability_weights = st.lists(st.integers(1, 50), min_size=1, max_size=6)  # integers: ties are common


def build_prior(n_codes: int = 6, height: int = 3, width: int = 3, dropout: float = 0.0) -> LatticePrior:
    config = PriorConfig(n_layers=1, n_heads=2, width=8, dropout=dropout)
    with torch.random.fork_rng():
        prior = LatticePrior(config, n_codes, height, width).eval()
    generator = make_generator(3, "weights")
    with torch.no_grad():
        for weights in prior.parameters():
            weights.normal_(std=0.6, generator=generator)  # far from uniform
    return prior


@torch.no_grad()
def exact_distribution(prior: LatticePrior) -> tuple[torch.Tensor, np.ndarray]:
    """Every sequence with its probability, by the chain rule on whole passes."""
    sequences = torch.tensor(list(product(range(prior.n_codes), repeat=prior.n_positions)))
    log_p = prior(sequences).double().log_softmax(dim=-1).gather(2, sequences[..., None])[..., 0]
    return sequences, log_p.sum(dim=1).exp().numpy()


def counts_of(samples: torch.Tensor, sequences: torch.Tensor) -> np.ndarray:
    matches = (samples.flatten(start_dim=1)[:, None] == sequences).all(dim=-1)
    return matches.sum(dim=0).numpy()


class Listener(SilentProgress):
    def __init__(self, stop_after: int | None = None):
        self.total = self.done = 0
        self.stop_after = stop_after

    def start(self, phase, total, unit):
        self.total = total

    def advance(self, n=1):
        self.done += n

    def stop_requested(self):
        return self.stop_after is not None and self.done >= self.stop_after


def test_without_filters_the_probabilities_are_the_softmax():
    logits = torch.randn(4, 2, 7, generator=make_generator(0, "logits"))
    torch.testing.assert_close(filter_logits(logits), logits.softmax(dim=-1), rtol=0, atol=1e-7)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_temperature_raises_probabilities_to_its_inverse_power(temperature):
    p = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
    powered = p ** (1 / temperature)
    torch.testing.assert_close(filter_logits(p.log(), temperature=temperature), powered / powered.sum())


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 5e-324])
def test_a_vanishing_temperature_leaves_only_the_likeliest(temperature):
    logits = torch.tensor([[1.0, 3.0, -2.0], [100.0, -100.0, 99.0]])
    assert filter_logits(logits, temperature=temperature).tolist() == [[0, 1, 0], [1, 0, 0]]


@given(probability_weights, st.integers(1, 20))
def test_the_nucleus_is_the_smallest_likeliest_set_that_reaches_top_p(weights, twentieths):
    p, top_p = np.array(weights) / sum(weights), twentieths / 20
    kept = filter_logits(torch.tensor(p).log(), top_p=top_p)
    subsets = [subset for size in range(1, len(p) + 1) for subset in combinations(range(len(p)), size)]
    reaching = [subset for subset in subsets if p[list(subset)].sum() >= top_p - 1e-9]
    smallest = min(reaching, key=lambda subset: (len(subset), -round(p[list(subset)].sum(), 9), subset))
    assert tuple(torch.nonzero(kept)[:, 0].tolist()) == smallest
    np.testing.assert_allclose(kept[list(smallest)], p[list(smallest)] / p[list(smallest)].sum())


def test_of_equally_likely_tokens_the_lower_ones_stay():
    kept = filter_logits(torch.zeros(2, 8), top_p=0.5)
    assert kept.tolist() == [[0.25] * 4 + [0] * 4] * 2


@given(probability_weights, st.floats(-50, 50), st.sampled_from([0.2, 0.7, 1.0]))
def test_a_constant_added_to_the_logits_changes_nothing(weights, shift, top_p):
    logits = torch.tensor(weights, dtype=torch.float64) / 10
    torch.testing.assert_close(filter_logits(logits + shift, 0.7, top_p), filter_logits(logits, 0.7, top_p))


def test_forbidden_tokens_get_nothing():
    logits = torch.tensor([0.0, -torch.inf, 1.0])
    for top_p in (1.0, 0.999):
        assert float(filter_logits(logits, top_p=top_p)[1]) == 0


@pytest.mark.parametrize("row", [[0.0, torch.nan], [0.0, torch.inf], [-torch.inf, -torch.inf]])
def test_logits_without_a_distribution_are_refused(row):
    with pytest.raises(NonFiniteError, match="nothing to sample"):
        filter_logits(torch.tensor([[0.0, 0.0], row]))


@pytest.mark.parametrize(("temperature", "seed"), [(1.0, 0), (1.0, 1), (0.7, 0)])
def test_sample_frequencies_match_the_exact_distribution(temperature, seed):
    prior = build_prior(n_codes=3, height=1, width=3)
    with torch.no_grad():
        prior.head.weight /= temperature  # the reference distribution, through the weights
        sequences, expected = exact_distribution(prior)
        prior.head.weight *= temperature
    samples = sample_tokens(prior, 4000, temperature=temperature, seed=seed, batch_size=1000)
    order = np.argsort(expected)
    pooled = np.searchsorted(np.cumsum(expected[order]) * 4000, 5) + 1  # chi-square wants 5 expected counts per bin
    starts = [0, *range(pooled, len(expected))]
    observed = np.add.reduceat(counts_of(samples, sequences)[order], starts)
    p_value = chisquare(observed, np.add.reduceat(expected[order], starts) * 4000).pvalue
    assert p_value > 0.01


def test_completions_follow_the_conditional_distribution():
    prior = build_prior(n_codes=3, height=1, width=3)
    sequences, joint = exact_distribution(prior)
    beginning = torch.tensor([2, 0])
    starts_so = (sequences[:, :2] == beginning).all(dim=1)
    conditional = joint[starts_so] / joint[starts_so].sum()
    samples = sample_tokens(prior, 2000, prefix=beginning, batch_size=500)
    assert chisquare(counts_of(samples, sequences)[starts_so], conditional * 2000).pvalue > 0.01


def test_a_small_temperature_takes_the_likeliest_token_each_time():
    prior = build_prior()
    tokens = torch.zeros((1, prior.n_positions), dtype=torch.int64)
    for position in range(prior.n_positions):
        tokens[0, position] = prior(tokens)[0, position].argmax()
    samples = sample_tokens(prior, 3, temperature=1e-6)
    assert torch.equal(samples, tokens.reshape(1, 3, 3).expand(3, -1, -1))


@torch.no_grad()
def test_no_sample_leaves_the_nucleus():
    prior = build_prior()
    samples = sample_tokens(prior, 50, top_p=0.6).flatten(start_dim=1)
    allowed = filter_logits(prior(samples), top_p=0.6) > 0
    assert allowed.gather(2, samples[..., None]).all()


def test_samples_are_lattices_of_codes_on_the_cpu():
    samples = sample_tokens(build_prior(n_codes=4, height=2, width=5), 7, batch_size=3)
    assert (samples.shape, samples.dtype, samples.device.type) == ((7, 2, 5), torch.int64, "cpu")
    assert 0 <= int(samples.min()) <= int(samples.max()) < 4


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_the_batch_size_changes_nothing(batch_size):
    prior = build_prior()
    assert torch.equal(sample_tokens(prior, 20, batch_size=batch_size), sample_tokens(prior, 20, batch_size=20))


def test_the_first_samples_stay_however_many_are_drawn():
    prior = build_prior()
    assert torch.equal(sample_tokens(prior, 30)[:10], sample_tokens(prior, 10))


def test_the_seed_decides():
    prior = build_prior()
    assert torch.equal(sample_tokens(prior, 10, seed=1), sample_tokens(prior, 10, seed=1))
    assert not torch.equal(sample_tokens(prior, 10, seed=1), sample_tokens(prior, 10, seed=2))


def test_global_randomness_is_left_alone():
    state = torch.get_rng_state()
    sample_tokens(build_prior(), 2)
    assert torch.equal(torch.get_rng_state(), state)


def test_prefixes_are_kept_and_may_differ_between_samples():
    prior = build_prior()
    beginnings = torch.randint(6, (5, 4), generator=make_generator(0, "prefix"))
    samples = sample_tokens(prior, 5, prefix=beginnings, batch_size=2)
    assert torch.equal(samples.flatten(start_dim=1)[:, :4], beginnings)


def test_one_prefix_serves_all_samples():
    prior, beginning = build_prior(), torch.tensor([3, 1])
    assert torch.equal(
        sample_tokens(prior, 5, prefix=beginning), sample_tokens(prior, 5, prefix=beginning.expand(5, -1))
    )


@pytest.mark.parametrize("n_prefix", [0, 1, 5, 9])
def test_a_sample_continues_its_own_beginning_with_itself(n_prefix):
    prior = build_prior()
    samples = sample_tokens(prior, 8, seed=4)
    again = sample_tokens(prior, 8, seed=4, prefix=samples.flatten(start_dim=1)[:, :n_prefix])
    assert torch.equal(again, samples)


def test_dropout_is_off_and_the_mode_comes_back():
    prior = build_prior(dropout=0.5)
    reference = sample_tokens(prior, 10)
    assert torch.equal(sample_tokens(prior.train(), 10), reference)
    assert prior.training


def test_progress_counts_the_drawn_tokens():
    listener = Listener()
    sample_tokens(build_prior(), 10, prefix=torch.tensor([0, 1]), batch_size=4, progress=listener)
    assert listener.done == listener.total == 10 * 7


def test_a_requested_stop_ends_the_work():
    listener = Listener(stop_after=12)
    with pytest.raises(Cancelled):
        sample_tokens(build_prior(), 8, batch_size=4, progress=listener)
    assert listener.done == 12


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_samples": 0}, "n_samples and batch_size must be at least 1; got 0 and 64"),
        ({"batch_size": 0}, "n_samples and batch_size must be at least 1; got 4 and 0"),
        ({"temperature": 0.0}, "temperature must be above 0 and finite; got 0.0"),
        ({"temperature": float("nan")}, "temperature must be above 0 and finite; got nan"),
        ({"temperature": float("inf")}, "temperature must be above 0 and finite; got inf"),
        ({"top_p": 0.0}, r"top_p must be in \(0, 1\]; got 0.0"),
        ({"top_p": 1.1}, r"top_p must be in \(0, 1\]; got 1.1"),
        ({"prefix": torch.tensor([6])}, r"must be in \[0, 6\), the codes of this prior; got values from 6 to 6"),
        ({"prefix": torch.tensor([0.5])}, "must be int64; got float32"),
    ],
)
def test_values_out_of_range_are_refused(settings, message):
    with pytest.raises(InvalidValueError, match=message):
        sample_tokens(build_prior(), **{"n_samples": 4} | settings)


@pytest.mark.parametrize("shape", [(10,), (3, 2), (4, 1, 2), ()])
def test_a_prefix_that_does_not_fit_is_refused(shape):
    with pytest.raises(ShapeError, match=r"\(n_prefix,\) or \(4, n_prefix\) with n_prefix at most 9; got"):
        sample_tokens(build_prior(), 4, prefix=torch.zeros(shape, dtype=torch.int64))


def test_a_diverged_prior_is_named():
    prior = build_prior()
    with torch.no_grad():
        prior.head.weight.fill_(torch.nan)
    with pytest.raises(NonFiniteError, match="train the prior again"):
        sample_tokens(prior, 2)
