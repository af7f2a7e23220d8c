"""One training loop, and one objective per model."""

from geovq.training.classifier_objective import ClassifierObjective, LabelledImages
from geovq.training.device import resolve_device, resolve_precision
from geovq.training.distributed import Processes, processes
from geovq.training.draws import Draws
from geovq.training.fitting import fit
from geovq.training.loop import TrainingResult
from geovq.training.objective import Examples, Objective
from geovq.training.prior_objective import PriorObjective
from geovq.training.refit import QuantizedImages, RefitObjective, Repeated
from geovq.training.schedule import one_cycle
from geovq.training.tokens import TokenSet
from geovq.training.vae_objective import VAEObjective
from geovq.training.vqvae_objective import VQVAEObjective

__all__ = [
    "ClassifierObjective",
    "Draws",
    "Examples",
    "LabelledImages",
    "Objective",
    "PriorObjective",
    "Processes",
    "QuantizedImages",
    "RefitObjective",
    "Repeated",
    "TokenSet",
    "TrainingResult",
    "VAEObjective",
    "VQVAEObjective",
    "fit",
    "one_cycle",
    "processes",
    "resolve_device",
    "resolve_precision",
]
