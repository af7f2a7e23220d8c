"""How good samples are in the eyes of a classifier, and the real images that show what its numbers mean.

Features are computed by the caller, who knows the device, the size of a batch and who is told about the progress.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.data import ImageSet
from geovq.evaluation import ClassCoverage, class_coverage, frechet_distance
from geovq.models import ImageClassifier
from geovq.randomness import make_generator


class Judgement(NamedTuple):
    """What a classifier makes of a set of samples.

    Attributes
    ----------
    frechet_distance : float
        Squared Fréchet distance to held-out images, in squared units of the features.
    coverage : ClassCoverage
        Classes that the samples are seen as.
    classes : Tensor of shape (n,)
        Class of each sample, on the CPU.
    """

    frechet_distance: float
    coverage: ClassCoverage
    classes: Int64[Tensor, " n"]


@torch.no_grad()
def judge(classifier: ImageClassifier, features: Float[Tensor, "n f"], held_out: Float[Tensor, "m f"]) -> Judgement:
    """Judge samples by their features.

    Parameters
    ----------
    classifier : ImageClassifier
        In eval mode; gave the features.
    features : Tensor of shape (n, F)
        Of the samples, on the CPU; at least two.
    held_out : Tensor of shape (m, F)
        Of the held-out images, on the CPU; at least two.

    Raises
    ------
    ShapeError, NonFiniteError
        As `geovq.evaluation.frechet_distance` does.
    """
    classes = classifier.head(features.to(classifier.head.weight.device)).argmax(dim=1).cpu()
    return Judgement(frechet_distance(features, held_out), class_coverage(classes, classifier.n_classes), classes)


def real_images(train: ImageSet, n: int, seed: int) -> Float[Tensor, "n c h w"]:
    """`n` training images drawn at random, to stand in the place of as many samples of a run with that seed."""
    return train.batch(torch.randperm(len(train), generator=make_generator(seed, "samples/real"))[:n])
