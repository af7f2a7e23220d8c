"""Quality of the samples of a prior, and of as many real images for comparison."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geovq.data import ImageSet
from geovq.evaluation import frechet_distance, nearest_images
from geovq.models import ImageClassifier
from geovq.progress import stop_if_requested
from geovq.runs.layout import samples_file, tokenizer_file
from geovq.runs.stages.classifiers import classifier_file, load_classifier
from geovq.runs.stages.judging import judge, real_images
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
    measuring = _Measuring(work, load_classifier(dataset, work.device), train)
    held_out = measuring.features(test.batch(torch.arange(len(test))))
    real = measuring.features(real_images(train, n, work.config.seed))
    measured = {
        "samples_count": n,
        "samples_real_frechet_distance": frechet_distance(real, held_out),
        **_named("samples_real_", measuring.nearest(test.batch(torch.arange(min(n, len(test)))))),
    }
    for prefix, decoder in decoders.items():
        measured |= _named(f"{prefix}samples_", measuring.quality(work.decode(decoder, lattices), held_out))
    return measured


class _Measuring:
    """Batches on the device of a stage, counted by its progress."""

    def __init__(self, work: Workspace, classifier: ImageClassifier, train: ImageSet) -> None:
        self.work, self.classifier, self.train = work, classifier, train

    def quality(self, images: Pixels, held_out: Float[Tensor, "m f"]) -> Numbers:
        found = judge(self.classifier, self.features(images), held_out)
        return {"frechet_distance": found.frechet_distance, **found.coverage.summary(), **self.nearest(images)}

    def features(self, images: Pixels) -> Float[Tensor, "n f"]:
        def compute(rows: Tensor) -> Tensor:
            return self.classifier.features(images[rows].to(self.work.device))

        return self.work.in_batches(len(images), compute)

    def nearest(self, images: Pixels) -> Numbers:
        return nearest_images(images, self._training_batches()).summary()

    def _training_batches(self) -> Iterator[Pixels]:
        for rows in torch.split(torch.arange(len(self.train)), REFERENCE_BATCH):
            stop_if_requested(self.work.progress)
            yield self.train.batch(rows)
            self.work.progress.advance(len(rows))


def _named(prefix: str, numbers: Numbers) -> Numbers:
    return {f"{prefix}{key}": value for key, value in numbers.items()}
