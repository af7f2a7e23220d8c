"""Autoencoders with a lattice latent, the prior over their tokens, a classifier of images, and their files."""

from geovq.models.checkpoints import architecture_of, load_model, save_model
from geovq.models.classifier import ImageClassifier
from geovq.models.decoder import LatticeDecoder
from geovq.models.initialisation import initialised
from geovq.models.prior import LatticePrior
from geovq.models.vae import LatticeVAE, Posterior
from geovq.models.vqvae import FSQVAE, LatticeVQVAE, PlainVQVAE, SimVQVAE

__all__ = [
    "FSQVAE",
    "ImageClassifier",
    "LatticeDecoder",
    "LatticePrior",
    "LatticeVAE",
    "LatticeVQVAE",
    "PlainVQVAE",
    "Posterior",
    "SimVQVAE",
    "architecture_of",
    "initialised",
    "load_model",
    "save_model",
]
