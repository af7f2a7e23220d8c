import pytest
import torch

from geovq.errors import InvalidValueError, ShapeError
from geovq.models import ImageClassifier, initialised
from tests.shapes import IMAGE_SHAPE


@pytest.fixture
def model():
    return initialised(lambda: ImageClassifier(5, IMAGE_SHAPE, width=3), seed=0, stream="test").eval()


@pytest.fixture
def images():
    return torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_the_logits_are_linear_in_the_features(model, images):
    features = model.features(images)
    assert features.shape == (6, model.n_features) == (6, 12)
    expected = features @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_rows_do_not_meet(model, images):
    alone = torch.cat([model.features(image[None]) for image in images])
    torch.testing.assert_close(model.features(images), alone, rtol=1e-4, atol=1e-6)


def test_images_of_another_size_are_refused(model):
    with pytest.raises(ShapeError, match=r"images must have shape \(B, 1, 28, 28\).*; got \(2, 1, 32, 32\)"):
        model.features(torch.zeros(2, 1, 32, 32))


def test_no_classes_are_refused():
    with pytest.raises(InvalidValueError, match="at least one class and channel; got 0 and 24"):
        ImageClassifier(0, IMAGE_SHAPE)
