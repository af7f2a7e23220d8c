import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from geovq.errors import Cancelled, InvalidValueError, NonFiniteError, ShapeError
from geovq.generation import filter_logits, sample_steps, sample_tokens
from geovq.progress import SilentProgress
from geovq.randomness import make_generator
from tests.generation.priors import build_prior, counts_of, exact_distribution


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


def test_watching_draws_the_first_sample():
    prior = build_prior()
    for settings in ({}, {"seed": 3, "temperature": 0.5, "top_p": 0.8, "prefix": torch.tensor([1, 5])}):
        steps = list(sample_steps(prior, **settings))
        n_known = len(settings.get("prefix", ()))
        assert [step.position for step in steps] == list(range(n_known, 9))
        drawn = sample_tokens(prior, 1, **settings).flatten()
        assert [step.token for step in steps] == drawn[n_known:].tolist()


@torch.no_grad()
def test_each_step_shows_the_distribution_that_its_token_was_drawn_from():
    prior = build_prior()
    steps = list(sample_steps(prior, seed=5, temperature=0.8, top_p=0.9))
    tokens = torch.tensor([[step.token for step in steps]])
    expected = filter_logits(prior(tokens)[0].double(), 0.8, 0.9)  # (L, K), in one whole pass
    # Logits of one position at a time differ from those of a whole pass by float32 rounding.
    torch.testing.assert_close(torch.stack([step.probabilities for step in steps]), expected, rtol=1e-4, atol=1e-5)
    assert all(step.probabilities[step.token] > 0 for step in steps)


def test_watching_is_lazy_but_complains_at_once():
    steps = sample_steps(build_prior())
    assert next(steps).position == 0
    with pytest.raises(InvalidValueError, match="temperature must be above 0"):
        sample_steps(build_prior(), temperature=-1)
    with pytest.raises(ShapeError, match=r"prefix must have shape \(n_prefix,\) or \(1, n_prefix\)"):
        sample_steps(build_prior(), prefix=torch.zeros(10, dtype=torch.int64))
