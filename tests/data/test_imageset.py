import numpy as np
import pytest
import torch

from geovq.data import ImageSet
from geovq.errors import ShapeError


def images_of(labels: list[int]) -> ImageSet:
    """Image i has i as its first pixel."""
    images = torch.zeros(len(labels), 1, 28, 28, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(len(labels))
    return ImageSet("mnist", "train", images, torch.tensor(labels), tuple("0123456789"))


def test_a_batch_is_the_bytes_divided_by_255():
    images = torch.arange(256, dtype=torch.uint8).repeat(2 * 784 // 256 + 1)[: 2 * 784].reshape(2, 1, 28, 28)
    images = ImageSet("mnist", "train", images, torch.tensor([0, 1]), ("a", "b"))
    batch = images.batch(torch.tensor([1, 0, 1]))
    assert batch.dtype == torch.float32
    assert batch.shape == (3, 1, 28, 28)
    expected = images.images.numpy()[[1, 0, 1]].astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(batch.numpy(), expected)


def test_making_a_batch_leaves_the_bytes_as_they_are():
    images = images_of([0, 1, 2])
    before = images.images.clone()
    images.batch(torch.arange(3))
    assert torch.equal(images.images, before)


def test_a_subset_keeps_images_with_their_labels_in_the_order_asked():
    subset = images_of([5, 6, 7, 8]).subset(torch.tensor([3, 0]))
    assert len(subset) == 2
    assert subset.labels.tolist() == [8, 5]
    assert subset.images[:, 0, 0, 0].tolist() == [3, 0]
    assert subset.split == "train"


def test_moving_to_a_device_keeps_the_content():
    images = images_of([1, 2])
    moved = images.to("cpu")
    assert moved.images.device.type == "cpu"
    assert torch.equal(moved.images, images.images)
    assert torch.equal(moved.labels, images.labels)


def test_images_on_a_gpu_take_indices_from_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    images = images_of([4, 5, 6]).to("cuda")
    assert images.batch(torch.tensor([2])).device.type == "cuda"
    assert images.subset(torch.tensor([2])).labels.tolist() == [6]


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(2, 28, 28, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), "images must be uint8 of shape"),
        (torch.zeros(2, 1, 28, 28), torch.zeros(2, dtype=torch.int64), "got float32 of shape"),
        (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), "one per image"),
        (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), torch.zeros(2), "labels must be int64"),
    ],
)
def test_images_and_labels_that_do_not_fit_are_refused(images, labels, message):
    with pytest.raises(ShapeError, match=message):
        ImageSet("mnist", "train", images, labels, ("a",))
