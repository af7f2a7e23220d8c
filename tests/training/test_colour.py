"""Images of another shape than the shipped models': three channels, sides that differ, another number of halvings."""

import math

import pytest
import torch

from geovq.config import VAEConfig, VQVAEConfig
from geovq.data import ImageSet
from geovq.models import ImageClassifier, LatticeDecoder, LatticeVAE, LatticeVQVAE, PlainVQVAE, initialised
from geovq.randomness import make_generator
from geovq.training import (
    ClassifierObjective,
    LabelledImages,
    QuantizedImages,
    RefitObjective,
    VAEObjective,
    VQVAEObjective,
    fit,
)
from tests.shapes import COLOUR_TRUNK
from tests.training.cases import changed

IMAGE_SHAPE, LATTICE_SIZE = COLOUR_TRUNK[0], (2, 3)
VAE, VQVAE = VAEConfig(latent_channels=2, width=4), VQVAEConfig(latent_channels=2, width=4)


def images(n):
    """Copies of two noisy pictures, whose labels say which."""
    labels = torch.arange(n) % 2
    pictures = torch.randint(256, (2, *IMAGE_SHAPE), generator=make_generator(0, "pictures"), dtype=torch.uint8)
    return ImageSet("two", "train", pictures[labels], labels, ("a", "b"))


def quantized(n):
    examples = images(n)
    tokens = examples.labels[:, None, None].expand(-1, *LATTICE_SIZE)
    return QuantizedImages(examples, tokens, torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))


CASES = {
    "vae": (lambda: LatticeVAE(VAE, *COLOUR_TRUNK), VAEObjective(beta=0.1), images),
    "vqvae": (lambda: LatticeVQVAE(VQVAE, 4, *COLOUR_TRUNK), VQVAEObjective(0.25), images),
    "vqvae-plain": (lambda: PlainVQVAE(VQVAE, 4, *COLOUR_TRUNK), VQVAEObjective(0.25), images),
    "refit": (lambda: LatticeDecoder(2, 4, n_channels=3, n_halvings=3), RefitObjective(), quantized),
    "classifier": (
        lambda: ImageClassifier(2, IMAGE_SHAPE, width=4),
        ClassifierObjective(max_shift=1),
        lambda n: LabelledImages(images(n)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_network_learns_colour_images(case, tmp_path):
    build, objective, examples = CASES[case]
    model = initialised(build, 0, "weights")
    with torch.no_grad():
        before = objective.evaluate(model.eval(), [examples(8).batch(torch.arange(8))])["loss"]
    result = fit(
        model,
        objective,
        examples(40),
        examples(8),
        changed(epochs=4),
        stage=case,
        seed=0,
        device="cpu",
        checkpoint=tmp_path / "state",
    )
    assert math.isfinite(before)
    assert result.validation["loss"] < before
