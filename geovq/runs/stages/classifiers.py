"""The classifiers that judge samples: one per data set, trained once by `python -m geovq train-classifier`, shipped."""

from pathlib import Path

import torch

from geovq.artifacts import file_digest
from geovq.bundle import bundled
from geovq.catalogue.datasets import DATASETS
from geovq.config import DatasetName, TrainingConfig
from geovq.data import load_images, split_validation
from geovq.errors import Cancelled
from geovq.models import ImageClassifier, initialised, load_model, save_model
from geovq.progress import Progress, SilentProgress
from geovq.training import ClassifierObjective, LabelledImages, fit, resolve_device

CLASSIFIER_FOLDER = bundled("assets", "classifiers")
WIDTH = 24
MAX_SHIFT = 1  # pixels; images are centred, so larger shifts do not occur
TRAINING = TrainingConfig(epochs=12, batch_size=128, learning_rate=3e-3, weight_decay=0.05)
VALIDATION_FRACTION = 0.05


def classifier_file(dataset: DatasetName) -> Path:
    """Where the classifier of a data set is kept; an embedded sample shares that of the full set."""
    return CLASSIFIER_FOLDER / f"{DATASETS[dataset].full_name}.safetensors"


def classifier_digest(dataset: DatasetName) -> str | None:
    """What identifies the classifier of a data set; None if there is none."""
    path = classifier_file(dataset)
    return file_digest(path) if path.is_file() else None


def load_classifier(dataset: DatasetName, device: str | torch.device = "cpu") -> ImageClassifier:
    """The classifier of a data set, in eval mode.

    Raises
    ------
    ArtifactError
        If its file is missing or damaged.
    """
    remedy = f"`python -m geovq train-classifier {DATASETS[dataset].full_name}` makes it again"
    model = load_model(classifier_file(dataset), device, remedy=remedy)
    assert isinstance(model, ImageClassifier)
    return model


def train_classifier(
    dataset: DatasetName, path: Path, *, device: str = "auto", seed: int = 0, progress: Progress | None = None
) -> float:
    """Train a classifier, write it, and say how good it is.

    Interrupted training goes on from a hidden file beside `path`.

    Parameters
    ----------
    dataset : str
    path : Path
        File to write.
    device : str, default="auto"
    seed : int, default=0
    progress : Progress, optional

    Returns
    -------
    float
        Share of the test images whose class is recognised.

    Raises
    ------
    Cancelled
        If a stop was requested; the state of the training is kept.
    ArtifactError
        If a file cannot be written.
    DataError
        If the images cannot be read.
    """
    resolved = resolve_device(device)
    train, validation = split_validation(load_images(dataset, "train", device=resolved), VALIDATION_FRACTION, seed)
    model = initialised(
        lambda: ImageClassifier(len(train.class_names), DATASETS[dataset].image_shape, WIDTH),
        seed,
        "classifier/weights",
    )
    checkpoint = path.with_name(f".{path.stem}.training.safetensors")
    result = fit(
        model,
        ClassifierObjective(MAX_SHIFT),
        LabelledImages(train),
        LabelledImages(validation),
        TRAINING,
        stage=f"classifier:{dataset}",
        seed=seed,
        device=resolved,
        checkpoint=checkpoint,
        progress=progress or SilentProgress(),
    )
    if result.cancelled:
        raise Cancelled(f"The training was cancelled after {result.steps} steps, which are saved.")
    save_model(path, model)
    checkpoint.unlink()
    return accuracy(model, dataset)


@torch.no_grad()
def accuracy(model: ImageClassifier, dataset: DatasetName) -> float:
    """Share of the test images of a data set whose class a classifier recognises."""
    images = LabelledImages(load_images(dataset, "test", device=model.head.weight.device))
    batches = (images.batch(rows) for rows in torch.split(torch.arange(len(images)), 1_000))
    return ClassifierObjective().evaluate(model, batches)["accuracy"]
