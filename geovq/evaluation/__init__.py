"""Measurements of tokenizers, priors and samples from arrays and callables; one kind of measurement per file."""

from geovq.evaluation.comparison import PairedDifference, paired_difference
from geovq.evaluation.distortion import Distortion, distortion
from geovq.evaluation.likelihood import PriorLikelihood, nll_maps, prior_likelihood
from geovq.evaluation.reconstruction import Reconstruction, reconstruction
from geovq.evaluation.samples import ClassCoverage, NearestImages, class_coverage, frechet_distance, nearest_images
from geovq.evaluation.similarity import structural_similarity
from geovq.evaluation.usage import TokenUsage, token_usage

__all__ = [
    "ClassCoverage",
    "Distortion",
    "NearestImages",
    "PairedDifference",
    "PriorLikelihood",
    "Reconstruction",
    "TokenUsage",
    "class_coverage",
    "distortion",
    "frechet_distance",
    "nearest_images",
    "nll_maps",
    "paired_difference",
    "prior_likelihood",
    "reconstruction",
    "structural_similarity",
    "token_usage",
]
