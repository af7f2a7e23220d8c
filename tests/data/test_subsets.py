import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geovq.data import ImageSet, split_validation
from geovq.data.subsets import balanced_indices, stratified_indices
from geovq.errors import InvalidValueError


def images_of(labels: list[int]) -> ImageSet:
    """Image i has i as its first pixel, so that a part shows where it came from."""
    images = torch.zeros(len(labels), 1, 28, 28, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(len(labels))
    return ImageSet("mnist", "train", images, torch.tensor(labels), tuple("0123456789"))


labels_and_count = st.lists(st.integers(0, 9), min_size=1, max_size=60).flatmap(
    lambda labels: st.tuples(st.just(labels), st.integers(1, len(labels)))
)


@given(labels_and_count, st.integers(0, 2**31))
def test_every_class_keeps_its_share_to_within_one_image(case, seed):
    labels, n_drawn = torch.tensor(case[0]), case[1]
    drawn = stratified_indices(labels, n_drawn, seed, "test")
    assert len(drawn) == n_drawn
    shares = torch.bincount(labels, minlength=10) * n_drawn / len(labels)
    counts = torch.bincount(labels[drawn], minlength=10)
    assert ((counts - shares).abs() < 1).all()


@given(labels_and_count, st.integers(0, 2**31))
def test_indices_are_drawn_without_replacement_and_ascend(case, seed):
    drawn = stratified_indices(torch.tensor(case[0]), case[1], seed, "test")
    assert (drawn.diff() > 0).all()
    assert 0 <= drawn[0] <= drawn[-1] < len(case[0])


def test_drawing_everything_gives_the_set_as_it_is():
    labels = torch.tensor([3, 1, 1, 2, 3, 3])
    assert stratified_indices(labels, 6, 0, "test").tolist() == [0, 1, 2, 3, 4, 5]


def test_largest_remainders_get_the_odd_images():
    labels = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)  # 7 of 10: shares 3.5, 2.1, 1.4
    drawn = stratified_indices(labels, 7, 0, "test")
    assert torch.bincount(labels[drawn]).tolist() == [4, 2, 1]


def test_every_image_of_a_class_is_equally_likely():
    labels = torch.zeros(8, dtype=torch.int64)
    n_draws = 1000
    times = sum(torch.bincount(stratified_indices(labels, 2, seed, "test"), minlength=8) for seed in range(n_draws))
    # binomial(1000, 1/4): standard deviation 13.7, so 70 is five of them; the seeds are fixed
    np.testing.assert_allclose(times, n_draws / 4, atol=70)


def test_the_same_seed_draws_the_same_and_another_seed_or_stream_does_not():
    labels = torch.arange(1000) % 10
    first = stratified_indices(labels, 100, 0, "a")
    assert torch.equal(first, stratified_indices(labels, 100, 0, "a"))
    assert not torch.equal(first, stratified_indices(labels, 100, 1, "a"))
    assert not torch.equal(first, stratified_indices(labels, 100, 0, "b"))


def test_balanced_draws_take_the_same_number_of_every_class():
    labels = torch.tensor([7] * 9 + [2] * 4 + [5] * 3)
    drawn = balanced_indices(labels, 3, 0, "test")
    assert torch.bincount(labels[drawn], minlength=8).tolist() == [0, 0, 3, 0, 0, 3, 0, 3]
    assert (drawn.diff() > 0).all()


@pytest.mark.parametrize("n_drawn", [0, -1, 4])
def test_drawing_more_or_less_than_there_is_is_refused(n_drawn):
    with pytest.raises(InvalidValueError, match=f"between 1 and 3, .* got {n_drawn}"):
        stratified_indices(torch.tensor([0, 1, 1]), n_drawn, 0, "test")


def test_a_class_that_is_too_rare_for_a_balanced_draw_is_refused():
    with pytest.raises(InvalidValueError, match=r"between 1 and 1, the images of the rarest class; got 2"):
        balanced_indices(torch.tensor([0, 1, 1]), 2, 0, "test")


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.floats(0.001, 0.999), st.integers(0, 2**31))
def test_validation_and_training_part_the_set(labels, fraction, seed):
    images = images_of(labels)
    training, validation = split_validation(images, fraction, seed)
    origins = [part.images[:, 0, 0, 0].tolist() for part in (training, validation)]
    assert sorted(origins[0] + origins[1]) == list(range(len(labels)))
    assert min(len(training), len(validation)) >= 1
    assert abs(len(validation) - fraction * len(labels)) <= 1
    for part, origin in zip((training, validation), origins, strict=True):
        assert part.labels.tolist() == [labels[index] for index in origin]


def test_validation_keeps_the_proportions_of_the_classes():
    training, validation = split_validation(images_of([0] * 100 + [1] * 40 + [2] * 60), 0.1, 0)
    assert torch.bincount(validation.labels).tolist() == [10, 4, 6]
    assert torch.bincount(training.labels).tolist() == [90, 36, 54]
    assert (training.split, validation.split) == ("train", "validation")


def test_the_same_seed_sets_the_same_images_aside():
    images = images_of([index % 10 for index in range(200)])
    first, second, other = (split_validation(images, 0.2, seed)[1].images for seed in (3, 3, 4))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_a_share_that_is_none_or_all_is_refused(fraction):
    with pytest.raises(InvalidValueError, match="fraction must be above 0 and below 1"):
        split_validation(images_of([0, 1]), fraction, 0)


def test_a_single_image_cannot_be_divided():
    with pytest.raises(InvalidValueError, match="Two images at least"):
        split_validation(images_of([0]), 0.5, 0)
