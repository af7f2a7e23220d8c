"""Autoencoders with a lattice latent, the prior over their tokens, and their files."""

from geovq.models.checkpoints import architecture_of, load_model, save_model
from geovq.models.prior import LatticePrior
from geovq.models.seeding import initialised
from geovq.models.vae import LatticeVAE, Posterior
from geovq.models.vqvae import LatticeVQVAE

__all__ = [
    "LatticePrior",
    "LatticeVAE",
    "LatticeVQVAE",
    "Posterior",
    "architecture_of",
    "initialised",
    "load_model",
    "save_model",
]
