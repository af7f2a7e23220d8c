import pytest
import torch
from scipy.stats import chisquare

from geovq.errors import InvalidValueError, ShapeError
from geovq.generation import complete_tokens
from geovq.randomness import make_generator
from tests.generation.priors import build_prior, counts_of, exact_distribution, joint_distribution


def lattices(n: int = 4, n_codes: int = 6) -> torch.Tensor:
    return torch.randint(n_codes, (n, 3, 3), generator=make_generator(0, "lattices"))


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3])
def test_the_kept_rows_stay_as_they_are(n_rows):
    tokens = lattices()
    completed = complete_tokens(build_prior(), tokens, n_rows, n_completions=5)
    assert (completed.shape, completed.dtype) == ((4, 5, 3, 3), torch.int64)
    assert torch.equal(completed[:, :, :n_rows], tokens[:, None, :n_rows].expand(-1, 5, -1, -1))


def test_what_lies_below_the_kept_rows_is_not_looked_at():
    prior, tokens = build_prior(), lattices()
    other = tokens.clone()
    other[:, 1:] = (tokens[:, 1:] + 1) % 6
    assert torch.equal(complete_tokens(prior, tokens, 1), complete_tokens(prior, other, 1))


def test_completions_follow_the_conditional_distribution():
    prior = build_prior(n_codes=3, height=2, width=2)
    sequences, joint = exact_distribution(prior)
    tokens = torch.tensor([[[2, 0], [0, 0]], [[1, 1], [2, 2]]])
    completed = complete_tokens(prior, tokens, 1, n_completions=2000, batch_size=1000)
    for lattice, samples in zip(tokens, completed, strict=True):
        starts_so = (sequences[:, :2] == lattice[0]).all(dim=1)
        conditional = joint[starts_so] / joint[starts_so].sum()
        assert chisquare(counts_of(samples, sequences)[starts_so], conditional * 2000).pvalue > 0.01


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_the_batch_size_changes_nothing(batch_size):
    prior, tokens = build_prior(), lattices()
    reference = complete_tokens(prior, tokens, 1, batch_size=8)
    assert torch.equal(complete_tokens(prior, tokens, 1, batch_size=batch_size), reference)


def test_the_first_completions_stay_however_many_are_drawn_of_however_many_lattices():
    prior, tokens = build_prior(), lattices()
    many = complete_tokens(prior, tokens, 1, n_completions=9)
    assert torch.equal(complete_tokens(prior, tokens[:2], 1, n_completions=4), many[:2, :4])


def test_the_seed_decides():
    prior, tokens = build_prior(), lattices()
    assert torch.equal(complete_tokens(prior, tokens, 1, seed=1), complete_tokens(prior, tokens, 1, seed=1))
    assert not torch.equal(complete_tokens(prior, tokens, 1, seed=1), complete_tokens(prior, tokens, 1, seed=2))


def test_equal_lattices_are_completed_independently():
    completed = complete_tokens(build_prior(), lattices(1).expand(2, -1, -1), 1)
    assert not torch.equal(completed[0], completed[1])


def test_towards_temperature_zero_all_completions_are_the_greedy_one():
    prior, tokens = build_prior(), lattices()
    greedy = tokens.flatten(start_dim=1).clone()
    for position in range(3, 9):
        greedy[:, position] = prior(greedy)[:, position].argmax(dim=-1)
    completed = complete_tokens(prior, tokens, 1, n_completions=2, temperature=1e-6)
    assert torch.equal(completed, greedy.reshape(4, 1, 3, 3).expand(-1, 2, -1, -1))


def test_without_labels_completions_follow_the_mixture_over_the_classes():
    prior = build_prior(n_codes=3, height=2, width=2, class_counts=(3, 1))
    sequences, _ = exact_distribution(prior, 0)
    mixture = joint_distribution(prior).sum(axis=0)
    tokens = torch.tensor([[[2, 0], [0, 0]]])
    starts_so = (sequences[:, :2] == tokens[0, 0]).all(dim=1)
    conditional = mixture[starts_so] / mixture[starts_so].sum()
    completed = complete_tokens(prior, tokens, 1, n_completions=2000, batch_size=1000)[0]
    assert chisquare(counts_of(completed, sequences)[starts_so], conditional * 2000).pvalue > 0.01


def test_labels_belong_to_lattices():
    prior, tokens = build_prior(class_counts=(1, 1)), lattices(2)
    both = complete_tokens(prior, tokens, 1, n_completions=6, labels=torch.tensor([0, 1]))
    assert torch.equal(both[:1], complete_tokens(prior, tokens[:1], 1, n_completions=6, labels=0))
    assert torch.equal(both[1], complete_tokens(prior, tokens, 1, n_completions=6, labels=1)[1])
    with pytest.raises(ShapeError, match=r"must be one number, or have shape \(2,\); got shape \(12,\)"):
        complete_tokens(prior, tokens, 1, n_completions=6, labels=torch.zeros(12, dtype=torch.int64))


@pytest.mark.parametrize("n_rows", [-1, 4, 1.5])
def test_a_number_of_rows_that_the_lattice_does_not_have_is_refused(n_rows):
    with pytest.raises(InvalidValueError, match=f"n_rows_kept must be a whole number from 0 to 3; got {n_rows}"):
        complete_tokens(build_prior(), lattices(), n_rows)


def test_no_completion_is_refused():
    with pytest.raises(InvalidValueError, match="n_completions and batch_size must be at least 1; got 0 and 64"):
        complete_tokens(build_prior(), lattices(), 1, n_completions=0)


@pytest.mark.parametrize("shape", [(4, 9), (4, 3, 4), (0, 3, 3)])
def test_lattices_of_another_size_are_refused(shape):
    with pytest.raises(ShapeError, match=r"tokens must have shape \(n, 3, 3\) with at least one lattice; got"):
        complete_tokens(build_prior(), torch.zeros(shape, dtype=torch.int64), 1)


def test_tokens_of_another_codebook_are_refused():
    with pytest.raises(InvalidValueError, match=r"in \[0, 6\), the codes of this prior; got values from 0 to 6"):
        complete_tokens(build_prior(), lattices(n_codes=7), 1)
