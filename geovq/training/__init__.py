"""One training loop, and one objective per model."""

from geovq.training.device import resolve_device
from geovq.training.loop import TrainingResult, fit
from geovq.training.objective import Examples, Objective
from geovq.training.prior_objective import PriorObjective
from geovq.training.schedule import one_cycle
from geovq.training.tokens import TokenSet
from geovq.training.vae_objective import VAEObjective
from geovq.training.vqvae_objective import VQVAEObjective

__all__ = [
    "Examples",
    "Objective",
    "PriorObjective",
    "TokenSet",
    "TrainingResult",
    "VAEObjective",
    "VQVAEObjective",
    "fit",
    "one_cycle",
    "resolve_device",
]
