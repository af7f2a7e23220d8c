from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from geovq.errors import NonFiniteError
from geovq.generation import filter_logits
from geovq.randomness import make_generator

probability_weights = st.lists(st.integers(1, 50), min_size=1, max_size=6)  # integers: ties are common


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


@settings(deadline=None)
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


@settings(deadline=None)
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
