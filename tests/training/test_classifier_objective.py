import math

import pytest
import torch
from torch import nn

from geovq.data import ImageSet
from geovq.models import ImageClassifier, initialised
from geovq.randomness import make_generator
from geovq.training import ClassifierObjective, Draws, LabelledImages
from geovq.training.classifier_objective import shifted
from tests.shapes import IMAGE_SHAPE


@pytest.fixture
def examples():
    generator = make_generator(0, "images")
    pixels = torch.randint(256, (6, 1, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.tensor([0, 4, 2, 2, 1, 3])
    return LabelledImages(ImageSet("noise", "train", pixels, labels, tuple("abcde")))


class Brightness(nn.Module):
    """Logits of three classes from the mean grey value: (0, m, 2 m)."""

    def forward(self, images):
        return images.mean(dim=(1, 2, 3))[:, None] * torch.arange(3.0)


def grey(values, labels):
    """A batch of images of one grey value each."""
    pixels = torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 28, 28).contiguous()
    images = LabelledImages(ImageSet("grey", "train", pixels, torch.tensor(labels), ("a", "b", "c")))
    return images.batch(torch.arange(len(values)))


def test_the_loss_is_the_log_probability_of_the_class():
    """Black: all classes alike, ln 3. White: exp(1) of 1 + e + e^2 for class 1."""
    batch = grey([0, 255], [2, 1])
    loss, parts = ClassifierObjective().loss(Brightness(), batch, Draws(make_generator(0, "shift")))
    white = math.log(1 + math.e + math.e**2) - 1
    assert loss.item() == pytest.approx((math.log(3) + white) / 2, rel=1e-6)
    assert parts == {"class_nats": loss}
    measured = ClassifierObjective().evaluate(Brightness(), [grey([0], [2]), grey([255], [1])])
    assert measured == pytest.approx({"loss": loss.item(), "class_nats": loss.item(), "accuracy": 0.0}, rel=1e-6)


def test_accuracy_counts_the_images_whose_class_has_the_largest_logit():
    measured = ClassifierObjective().evaluate(Brightness(), [grey([255, 128, 255], [2, 2, 0]), grey([64], [2])])
    assert measured["accuracy"] == 0.75


def test_validation_does_not_move_images(examples):
    model = initialised(lambda: ImageClassifier(5, IMAGE_SHAPE, width=2), 0, "test").eval()
    batch = examples.batch(torch.arange(6))
    with torch.no_grad():
        still = ClassifierObjective().evaluate(model, [batch])
        assert ClassifierObjective(max_shift=3).evaluate(model, [batch]) == still


def test_shifts_follow_the_generator(examples):
    model = initialised(lambda: ImageClassifier(5, IMAGE_SHAPE, width=2), 0, "test")
    batch = examples.batch(torch.arange(6))
    before = torch.get_rng_state()
    first, second, other = (
        ClassifierObjective(max_shift=3).loss(model, batch, Draws(make_generator(0, name)))[0]
        for name in ("a", "a", "b")
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


def test_an_image_is_moved_the_same_way_however_its_batch_is_divided(examples):
    model = initialised(lambda: ImageClassifier(5, IMAGE_SHAPE, width=2), 0, "test").eval()  # whose rows do not meet
    rows, objective = torch.arange(6), ClassifierObjective(max_shift=3)
    whole, _ = objective.loss(model, examples.batch(rows), Draws(make_generator(0, "step")))
    parts = [
        objective.loss(model, examples.batch(rows[i : i + 2]), Draws(make_generator(0, "step"), i, 4 - i))[0] / 3
        for i in (0, 2, 4)
    ]
    torch.testing.assert_close(torch.stack(parts).sum(), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, 0), (-1, 3), (5, -5), (4, -9)])
def test_a_shifted_image_is_a_window_of_the_padded_one(down, right):
    images = torch.rand(3, 2, 5, 9, generator=make_generator(0, "pixels"))
    padded = torch.nn.functional.pad(images, (9, 9, 9, 9))
    expected = padded[:, :, 9 - down : 14 - down, 9 - right : 18 - right]
    assert torch.equal(shifted(images, torch.tensor([[down, right]] * 3)), expected)


def test_each_image_has_a_shift_of_its_own():
    images = torch.rand(3, 1, 6, 6, generator=make_generator(0, "pixels"))
    shifts = torch.tensor([[1, 0], [-2, 2], [0, -3]])
    alone = [shifted(images[[i]], shifts[[i]]) for i in range(3)]
    assert torch.equal(shifted(images, shifts), torch.cat(alone))
