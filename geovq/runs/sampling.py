"""Drawing from the prior of a finished run into a picture."""

import io
from pathlib import Path

import torch

from geovq.artifacts import write_bytes_atomic
from geovq.generation import sample_tokens
from geovq.progress import Progress, SilentProgress
from geovq.runs.reading import Run
from geovq.runs.stages.workspace import Workspace


def write_samples(
    run: Run,
    tokenizer: str | None,
    path: Path,
    *,
    n_samples: int,
    temperature: float,
    top_p: float,
    seed: int,
    label: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Draw `n_samples` images and write them as one PNG mosaic.

    Parameters
    ----------
    run : Run
    tokenizer : str, optional
        Whose prior; by default "riemannian" if it has one, else the first that has.
    path : Path
        PNG to write.
    n_samples, temperature, top_p, seed
        As in `geovq.generation.sample_tokens`.
    label : int, optional
        Class of all images, for a class-conditional prior; by default classes come as often as in training.
    progress : Progress, optional

    Raises
    ------
    ArtifactError
        If the run has no such prior, one of its files is missing or damaged, or the picture cannot be written.
    InvalidValueError
        If a number is out of range, or the prior does not know the label.
    """
    from torchvision.utils import make_grid, save_image

    name = tokenizer or next((n for n in ("riemannian", *run.priors) if n in run.priors), "riemannian")
    progress = progress or SilentProgress()
    prior, tokenizer_of_run, model = run.priors[name], run.tokenizers[name], run.autoencoder(name)
    tokens = sample_tokens(
        prior, n_samples, temperature=temperature, top_p=top_p, seed=seed, labels=label, progress=progress
    )
    progress.start("decoding", n_samples, "images")
    work = Workspace(run.path, run.config, torch.device("cpu"), progress)
    images = work.decode(model, tokenizer_of_run.decode(tokens))
    buffer = io.BytesIO()
    columns = max(1, round(n_samples**0.5))
    save_image(make_grid(images, nrow=columns, padding=2, pad_value=0.5), buffer, format="png")
    write_bytes_atomic(path, buffer.getvalue())
