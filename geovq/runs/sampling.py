"""Drawing from the prior of a finished run into a picture."""

import io
from pathlib import Path

import torch

from geovq.artifacts import write_bytes_atomic
from geovq.generation import sample_tokens
from geovq.runs.reading import Run


@torch.no_grad()
def write_samples(
    run: Run, tokenizer: str | None, path: Path, *, n_samples: int, temperature: float, top_p: float, seed: int
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
    """
    from torchvision.utils import make_grid, save_image

    name = tokenizer or next((n for n in ("riemannian", *run.priors) if n in run.priors), "riemannian")
    tokens = sample_tokens(run.priors[name], n_samples, temperature=temperature, top_p=top_p, seed=seed)
    images = run.autoencoder(name).decode(run.tokenizers[name].decode(tokens))
    buffer = io.BytesIO()
    columns = max(1, round(n_samples**0.5))
    save_image(make_grid(images, nrow=columns, padding=2, pad_value=0.5), buffer, format="png")
    write_bytes_atomic(path, buffer.getvalue())
