"""A decoder that is refitted to tokens: which examples it sees, what its loss is, and that it learns."""

import pytest
import torch
from torch.nn import functional as F

from geovq.config import TrainingConfig, VAEConfig
from geovq.data import ImageSet
from geovq.errors import ShapeError
from geovq.models import LatticeDecoder, LatticeVAE, initialised
from geovq.randomness import make_generator
from geovq.training import Draws, QuantizedImages, RefitObjective, Repeated, fit
from tests.shapes import TRUNK

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}
N_CODES = 4


def two_pictures(n, stream="images"):
    """Images that are black or white, with tokens that say which."""
    white = torch.randint(2, (n,), generator=make_generator(0, stream))
    images = (white * 255).to(torch.uint8)[:, None, None, None].expand(n, 1, 28, 28)
    image_set = ImageSet("two", "train", images.contiguous(), white, ("black", "white"))
    codebook = torch.randn(N_CODES, 3, generator=make_generator(0, "codebook"))
    return QuantizedImages(image_set, (2 + white)[:, None, None].expand(n, 7, 7), codebook)


@pytest.fixture
def decoder():
    vae = initialised(lambda: LatticeVAE(VAEConfig(latent_channels=3, width=4), *TRUNK), seed=0, stream="test")
    return LatticeDecoder.of(vae)


def test_the_loss_is_the_cross_entropy_of_the_decoded_codes(decoder):
    examples = two_pictures(6)
    rows = torch.tensor([4, 0, 1])
    loss, parts = RefitObjective().loss(decoder, examples.batch(rows), Draws(make_generator(0, "unused")))
    lattices = examples.codebook[examples.tokens[rows]].permute(0, 3, 1, 2)
    images = examples.images.batch(rows)
    expected = F.binary_cross_entropy(decoder.decode(lattices), images, reduction="sum") / 3
    torch.testing.assert_close(loss, expected, **FLOAT32)
    assert parts == {"bce_nats": loss}


@torch.no_grad()
def test_validation_is_the_mean_over_images_whatever_the_batches(decoder):
    examples = two_pictures(5)
    whole, parts = (RefitObjective().evaluate(decoder, map(examples.batch, torch.arange(5).split(n))) for n in (5, 2))
    assert parts == pytest.approx(whole, rel=1e-5)
    lattices = examples.codebook[examples.tokens].permute(0, 3, 1, 2)
    images = examples.images.batch(torch.arange(5))
    assert whole["mse"] == pytest.approx(F.mse_loss(decoder.decode(lattices), images).item(), rel=1e-5)
    bce = F.binary_cross_entropy(decoder.decode(lattices), images, reduction="sum").item() / 5
    assert whole["loss"] == whole["bce_nats"] == pytest.approx(bce, rel=1e-5)


def test_what_the_tokens_tell_is_learned(decoder, tmp_path):
    train, validation = two_pictures(40), two_pictures(8, "validation")
    drawn = Repeated(train, 60 * 8, make_generator(0, "repeated"))
    config = TrainingConfig(epochs=1, batch_size=8, learning_rate=0.03)
    before = RefitObjective().evaluate(decoder, [validation.batch(torch.arange(8))])
    result = fit(
        decoder,
        RefitObjective(),
        drawn,
        validation,
        config,
        stage="refit:x",
        seed=0,
        device="cpu",
        checkpoint=tmp_path / "state",
    )
    assert result.steps == 60
    assert before["mse"] > 0.2
    assert result.validation["mse"] < 0.01
    assert torch.equal(train.codebook, two_pictures(1).codebook)


class Indices:
    """Examples that are their own indices."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def batch(self, indices):
        return indices


@pytest.mark.parametrize("n_drawn", [1, 6, 7, 8, 20, 21])
def test_repetition_draws_every_example_equally_often_to_within_one(n_drawn):
    repeated = Repeated(Indices(7), n_drawn, make_generator(0, "order"))
    assert len(repeated) == n_drawn
    counts = torch.bincount(repeated.batch(torch.arange(n_drawn)), minlength=7)
    assert counts.sum() == n_drawn
    assert counts.max() - counts.min() <= 1


def test_a_few_examples_are_drawn_from_all():
    first, second = (Repeated(Indices(1000), 5, make_generator(0, s)).batch(torch.arange(5)) for s in ("a", "b"))
    assert not torch.equal(first, second)
    assert max(first.max(), second.max()) > 100  # not the first ones


def test_tokens_of_other_images_are_refused():
    examples = two_pictures(5)
    with pytest.raises(ShapeError, match=r"tokens must have shape \(5, H, W\), one lattice per image; got \(4, 7, 7\)"):
        QuantizedImages(examples.images, examples.tokens[:4], examples.codebook)
