"""Quality of the samples of a prior, and of as many real images for comparison."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geovq.data import ImageSet
from geovq.evaluation import class_coverage, frechet_distance, nearest_images
from geovq.models import ImageClassifier
from geovq.progress import stop_if_requested
from geovq.randomness import make_generator
from geovq.runs.layout import samples_file, tokenizer_file
from geovq.runs.stages.classifiers import classifier_file, load_classifier
from geovq.runs.stages.workspace import Decoder, Workspace
from geovq.tokenization import load_tokenizer

Numbers = dict[str, float | int]
Pixels = Float[Tensor, "n c h w"]
REFERENCE_BATCH = 8_192  # training images at a time; larger products are faster


def measure_samples(work: Workspace, name: str, decoders: Mapping[str, Decoder]) -> Numbers:
    """Fréchet distance to the test images, classes shown, and distance to the nearest training image.

    Parameters
    ----------
    work : Workspace
    name : str
        Tokenizer whose prior drew the samples.
    decoders : mapping
        Decoders of the samples, by the prefix of their keys: "" and "refit_", for example.

    Returns
    -------
    dict of str to number
        Keys with "samples_". Those with "samples_real_" are of real images in the place of the samples, as many of
        them: training images for the Fréchet distance, test images for the distance to the nearest training image.
        Nothing, if the data set has no classifier or there are fewer than two images on a side.
    """
    dataset = work.config.data.dataset
    train, test = work.images("train"), work.images("test")
    with np.load(work.path / samples_file(name), allow_pickle=False) as arrays:
        tokens = torch.from_numpy(arrays["tokens"].astype(np.int64))
    n = len(tokens)
    if not classifier_file(dataset).is_file() or min(n, len(train), len(test)) < 2:
        return {}
    lattices = load_tokenizer(work.path / tokenizer_file(name)).decode(tokens)
    work.progress.start("samples", (len(decoders) + 1) * (n + len(train)) + len(decoders) * n + len(test), "images")
    judge = _Judge(work, load_classifier(dataset, work.device), train, test)
    chosen = torch.randperm(len(train), generator=make_generator(work.config.seed, "samples/real"))[:n]
    measured = {
        "samples_count": n,
        "samples_real_frechet_distance": judge.frechet_distance(judge.features(train.batch(chosen))),
        **_named("samples_real_", judge.nearest(test.batch(torch.arange(min(n, len(test)))))),
    }
    for prefix, decoder in decoders.items():
        measured |= _named(f"{prefix}samples_", judge.quality(work.decode(decoder, lattices)))
    return measured


class _Judge:
    """A classifier, and its features of the test images."""

    def __init__(self, work: Workspace, classifier: ImageClassifier, train: ImageSet, test: ImageSet) -> None:
        self.work, self.classifier, self.train = work, classifier, train
        self.held_out = self.features(test.batch(torch.arange(len(test))))

    def quality(self, images: Pixels) -> Numbers:
        features = self.features(images)
        with torch.no_grad():
            classes = self.classifier.head(features.to(self.work.device)).argmax(dim=1)
        return {
            "frechet_distance": self.frechet_distance(features),
            **class_coverage(classes, self.classifier.n_classes).summary(),
            **self.nearest(images),
        }

    def features(self, images: Pixels) -> Float[Tensor, "n f"]:
        def compute(rows: Tensor) -> Tensor:
            return self.classifier.features(images[rows].to(self.work.device))

        return self.work.in_batches(len(images), compute)

    def frechet_distance(self, features: Float[Tensor, "n f"]) -> float:
        return frechet_distance(features, self.held_out)

    def nearest(self, images: Pixels) -> Numbers:
        return nearest_images(images, self._training_batches()).summary()

    def _training_batches(self) -> Iterator[Pixels]:
        for rows in torch.split(torch.arange(len(self.train)), REFERENCE_BATCH):
            stop_if_requested(self.work.progress)
            yield self.train.batch(rows)
            self.work.progress.advance(len(rows))


def _named(prefix: str, numbers: Numbers) -> Numbers:
    return {f"{prefix}{key}": value for key, value in numbers.items()}
