import pytest

from geovq.catalogue.datasets import (
    DATASETS,
    DatasetDescription,
    IdxDataset,
    ImageShape,
    most_images,
    sample_of,
)
from geovq.config import ExperimentConfig, choices
from geovq.data import load_images


def described(shape, n_halvings):
    return DatasetDescription(
        name="x",
        image_shape=ImageShape(*shape),
        n_halvings=n_halvings,
        class_names=("a",),
        n_images={"train": 2, "test": 1},
        licence="MIT",
    )


@pytest.mark.parametrize(
    ("shape", "n_halvings", "lattice_size"),
    [((1, 28, 28), 2, (7, 7)), ((3, 32, 32), 3, (4, 4)), ((3, 64, 48), 2, (16, 12))],
)
def test_every_halving_halves_both_sides(shape, n_halvings, lattice_size):
    dataset = described(shape, n_halvings)
    assert dataset.lattice_size == lattice_size
    assert dataset.n_cells == lattice_size[0] * lattice_size[1]


@pytest.mark.parametrize("name", DATASETS)
def test_a_description_is_filed_under_its_name_and_halves_without_remainder(name):
    dataset = DATASETS[name]
    assert dataset.name == name
    assert all(
        side << dataset.n_halvings == pixels
        for side, pixels in zip(dataset.lattice_size, dataset.image_shape[1:], strict=True)
    )


@pytest.mark.parametrize("name", [name for name in DATASETS if DATASETS[name].full_name != name])
def test_a_sample_says_how_many_images_its_archives_hold_and_what_they_are(name):
    sample = DATASETS[name]
    assert sample_of(sample.full_name) is sample
    assert DATASETS[sample.full_name].class_names == sample.class_names
    for split, n_images in sample.n_images.items():
        images = load_images(name, split)
        assert len(images) == n_images
        assert tuple(images.images.shape[1:]) == sample.image_shape


def test_a_sample_is_a_sample_of_a_full_set_only():
    assert sample_of("mnist-sample") is None
    assert isinstance(DATASETS["mnist"], IdxDataset)


def test_the_configuration_takes_the_names_in_the_order_of_the_table():
    assert tuple(DATASETS) == ("mnist", "fashion_mnist", "mnist-sample", "fashion_mnist-sample")
    assert choices(type(ExperimentConfig().data).model_fields["dataset"]) == tuple(DATASETS)


def test_the_largest_set_bounds_what_can_be_asked_for():
    assert (most_images("train"), most_images("test")) == (60_000, 10_000)
