import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from geovq.errors import InvalidValueError, ShapeError
from geovq.generation import class_posterior, sample_steps, sample_tokens
from tests.generation.priors import build_prior, counts_of, exact_distribution, joint_distribution


def small_prior(class_counts=(5, 1, 2)):
    return build_prior(n_codes=3, height=1, width=3, class_counts=class_counts)


@pytest.mark.parametrize("n_prefix", [0, 1, 2, 3])
def test_the_posterior_is_bayes_rule_over_all_sequences(n_prefix):
    prior = small_prior()
    sequences, _ = exact_distribution(prior, 0)
    joint = joint_distribution(prior)
    for beginning in map(torch.tensor, set(map(tuple, sequences[:, :n_prefix].tolist()))):
        starts_so = (sequences[:, :n_prefix] == beginning).all(dim=1).numpy()
        masses = joint[:, starts_so].sum(axis=1)
        posterior = class_posterior(prior, beginning.long()[None])
        np.testing.assert_allclose(posterior[0], masses / masses.sum(), rtol=1e-5)  # the model computes in float32


def test_rows_and_batches_of_the_posterior_do_not_interact():
    prior = small_prior()
    beginnings = torch.tensor([[2, 0], [1, 1], [2, 0], [0, 2]])
    whole = class_posterior(prior, beginnings)
    torch.testing.assert_close(class_posterior(prior, beginnings, batch_size=1), whole, rtol=1e-5, atol=0)
    torch.testing.assert_close(class_posterior(prior, beginnings[1:2])[0], whole[1], rtol=1e-5, atol=0)


def test_without_labels_samples_follow_the_mixture_over_the_classes():
    prior = small_prior()
    sequences, _ = exact_distribution(prior, 0)
    samples = sample_tokens(prior, 4000, batch_size=1000)
    mixture = joint_distribution(prior).sum(axis=0)
    assert chisquare(counts_of(samples, sequences), mixture * 4000).pvalue > 0.01


@pytest.mark.parametrize("label", [0, 2])
def test_with_a_label_samples_follow_its_own_distribution(label):
    prior = small_prior()
    sequences, expected = exact_distribution(prior, label)
    samples = sample_tokens(prior, 4000, labels=label, batch_size=1000)
    assert chisquare(counts_of(samples, sequences), expected * 4000).pvalue > 0.01


def test_each_sample_may_have_its_own_label():
    prior = build_prior(class_counts=(1, 1))
    labels = torch.tensor([0, 1, 1, 0, 1])
    mixed = sample_tokens(prior, 5, labels=labels, batch_size=2)
    pure = torch.stack([sample_tokens(prior, 5, labels=label) for label in (0, 1)])
    assert torch.equal(mixed, pure[labels, torch.arange(5)])
    assert not torch.equal(pure[0], pure[1])


def test_one_number_and_a_list_are_labels_too():
    prior = build_prior(class_counts=(1, 1))
    reference = sample_tokens(prior, 3, labels=torch.tensor([1, 1, 1]))
    for labels in (1, np.int64(1), [1, 1, 1]):
        assert torch.equal(sample_tokens(prior, 3, labels=labels), reference)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_the_batch_size_changes_no_drawn_label(batch_size):
    prior, prefix = build_prior(class_counts=(2, 3, 1)), torch.tensor([4, 1])
    reference = sample_tokens(prior, 20, prefix=prefix, batch_size=20)
    assert torch.equal(sample_tokens(prior, 20, prefix=prefix, batch_size=batch_size), reference)


def test_a_class_without_examples_is_never_drawn_and_cannot_be_chosen():
    prior = small_prior(class_counts=(3, 0))
    assert class_posterior(prior, torch.tensor([[0, 1]]))[0].tolist() == [1, 0]
    assert torch.equal(sample_tokens(prior, 50), sample_tokens(prior, 50, labels=0))
    with pytest.raises(InvalidValueError, match="saw no example of class 1 in training"):
        sample_tokens(prior, 2, labels=torch.tensor([0, 1]))


def test_watching_takes_a_label():
    prior = build_prior(class_counts=(1, 1))
    for label in (None, 0, 1):
        drawn = sample_tokens(prior, 1, labels=label, seed=2).flatten()
        assert [step.token for step in sample_steps(prior, label=label, seed=2)] == drawn.tolist()


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (2, InvalidValueError, r"Labels must be in \[0, 2\), the classes of this prior; got values from 2 to 2"),
        (-1, InvalidValueError, r"Labels must be in \[0, 2\)"),
        (0.5, InvalidValueError, "labels must be whole numbers; got float32"),
        (True, InvalidValueError, "labels must be whole numbers; got bool"),
        ([0, 1], ShapeError, r"must be one number, or have shape \(3,\); got shape \(2,\)"),
    ],
)
def test_labels_that_make_no_sense_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        sample_tokens(build_prior(class_counts=(1, 1)), 3, labels=labels)


def test_a_prior_without_classes_takes_no_labels_and_has_no_opinion():
    with pytest.raises(InvalidValueError, match="trained without classes, so it takes no labels"):
        sample_tokens(build_prior(), 3, labels=0)
    with pytest.raises(InvalidValueError, match="trained without classes, so it cannot tell them apart"):
        class_posterior(build_prior(), torch.tensor([[0]]))


def test_beginnings_longer_than_the_lattice_are_refused():
    with pytest.raises(ShapeError, match=r"n_prefix at most 3; got \(1, 4\)"):
        class_posterior(small_prior(), torch.zeros((1, 4), dtype=torch.int64))
