"""Measurements, one question per file: arrays and callables in, result objects out."""

from geovq.evaluation.comparison import PairedDifference, paired_difference
from geovq.evaluation.distortion import Distortion, distortion
from geovq.evaluation.likelihood import PriorLikelihood, prior_likelihood
from geovq.evaluation.reconstruction import Reconstruction, reconstruction
from geovq.evaluation.usage import TokenUsage, token_usage

__all__ = [
    "Distortion",
    "PairedDifference",
    "PriorLikelihood",
    "Reconstruction",
    "TokenUsage",
    "distortion",
    "paired_difference",
    "prior_likelihood",
    "reconstruction",
    "token_usage",
]
