"""How good the samples on the screen are, as a small classifier sees them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float

from geovq.app.prior.data import Drawing, samples
from geovq.app.shared import fetching
from geovq.app.shared.caching import copies
from geovq.evaluation import frechet_distance
from geovq.runs import Run
from geovq.runs.stages.classifiers import classifier_file, load_classifier
from geovq.runs.stages.judging import judge, real_images
from geovq.viz.arrays import Array

_HELD_OUT = 1_000  # test images that sets are compared with


@dataclass(frozen=True)
class Quality:
    """A set of samples through the eyes of a classifier.

    Attributes
    ----------
    frechet : float
        Squared Fréchet distance to held-out images, in squared units of the features.
    real_frechet : float
        The same for as many training images.
    n_covered, n_classes : int
        Classes that occur among the samples, and that there are.
    recognised : int, optional
        How many samples are seen as the class that was asked for; None if none was.
    """

    frechet: float
    real_frechet: float
    n_covered: int
    n_classes: int
    recognised: int | None


@copies(32, "Judging the samples …")
def sample_quality(run: Run, drawing: Drawing, n_samples: int) -> Quality | None:
    """Judge samples; None for a data set without a classifier."""
    if not classifier_file(run.config.data.dataset).is_file():
        return None
    classifier = load_classifier(run.config.data.dataset)
    held_out = torch.from_numpy(_held_out_features(run))
    with torch.no_grad():
        features = classifier.features(torch.from_numpy(samples(run, drawing, n_samples)[:, None]))
        real = classifier.features(real_images(fetching.training_images(run), n_samples, run.seed))
    found = judge(classifier, features, held_out)
    return Quality(
        found.frechet_distance,
        frechet_distance(real, held_out),
        found.coverage.n_covered,
        classifier.n_classes,
        None if drawing.label is None else int((found.classes == drawing.label).sum()),
    )


@copies(4, "Judging real images …")
def _held_out_features(run: Run) -> Float[Array, "n f"]:
    held_out = fetching.held_out_of(run)
    with torch.no_grad():
        images = held_out.batch(torch.arange(min(_HELD_OUT, len(held_out))))
        return load_classifier(run.config.data.dataset).features(images).numpy()
