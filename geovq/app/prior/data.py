"""What the prior page shows, computed once per run and settings: thin calls into the library, no widgets."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from geovq.app.shared import fetching
from geovq.app.shared.caching import copies
from geovq.app.shared.decoders import DecoderName, decoded_tokens, decoder_of
from geovq.app.shared.fetching import MEASURED_IMAGES
from geovq.evaluation import NearestImages, nearest_images, nll_maps
from geovq.generation import complete_tokens, sample_steps, sample_tokens
from geovq.runs import Run
from geovq.tokenization.patches import decoded_codes
from geovq.viz.arrays import Array

_REFERENCE_BATCH = 8_192  # training images compared at a time


@dataclass(frozen=True)
class Drawing:
    """How images are drawn: whose prior, through which decoder, with which settings.

    Attributes
    ----------
    tokenizer : str
    decoder : "own" or "refit"
    temperature, top_p : float
    seed : int
    label : int, optional
        Class to draw; None lets the prior choose it.
    """

    tokenizer: str
    decoder: DecoderName
    temperature: float
    top_p: float
    seed: int
    label: int | None = None


@dataclass(frozen=True)
class Trajectory:
    """One image while it is being drawn.

    Attributes
    ----------
    tokens : array of shape (L,)
    probabilities : array of shape (L, K)
        The distribution that each token was drawn from.
    entropy_bits : array of shape (L,)
        Its entropy.
    images : array of shape (L + 1, h, w)
        Entry t is decoded after t tokens, with mean latents in the cells that are still to come.
    """

    tokens: Int[Array, " L"]
    probabilities: Float[Array, "L K"]
    entropy_bits: Float[Array, " L"]
    images: Float[Array, "steps height width"]


@copies(32, "Drawing samples …")
def samples(run: Run, drawing: Drawing, n_samples: int) -> Float[Array, "n height width"]:
    """Images drawn from a prior."""
    tokens = sample_tokens(
        run.priors[drawing.tokenizer],
        n_samples,
        temperature=drawing.temperature,
        top_p=drawing.top_p,
        seed=drawing.seed,
        labels=drawing.label,
    )
    return decoded_tokens(run, drawing.tokenizer, drawing.decoder, tokens.numpy())


@copies(8, "Drawing one image, cell by cell …")
def trajectory(run: Run, drawing: Drawing) -> Trajectory:
    """The first of `samples` with the same settings, watched while it is drawn."""
    steps = list(
        sample_steps(
            run.priors[drawing.tokenizer],
            temperature=drawing.temperature,
            top_p=drawing.top_p,
            seed=drawing.seed,
            label=drawing.label,
        )
    )
    from scipy.stats import entropy  # half of the time that importing geovq would take

    tokens = np.array([step.token for step in steps])
    probabilities = torch.stack([step.probabilities for step in steps]).numpy()
    lattices = torch.stack([_unfinished(run, drawing.tokenizer, tokens, t) for t in range(len(steps) + 1)])
    with torch.no_grad():
        images = decoder_of(run, drawing.tokenizer, drawing.decoder).decode(lattices)[:, 0].numpy()
    return Trajectory(tokens, probabilities, entropy(probabilities, base=2, axis=1), images)


@copies(128, "Decoding the codes …")
def candidate_patches(
    run: Run, drawing: Drawing, tokens: tuple[int, ...], position: int, codes: tuple[int, ...]
) -> Float[Array, "n h w"]:
    """What each of some codes would paint at the next position, after the tokens drawn before it."""
    lattice = _unfinished(run, drawing.tokenizer, np.array(tokens), position)
    codebook = run.tokenizers[drawing.tokenizer].codebook[list(codes)]
    place = divmod(position, lattice.shape[2])
    decode = decoder_of(run, drawing.tokenizer, drawing.decoder).decode
    return decoded_codes(decode, codebook, lattice, place)[:, 0].numpy()


def _unfinished(run: Run, tokenizer: str, tokens: Int[Array, " L"], n_drawn: int) -> torch.Tensor:
    """Lattice after `n_drawn` tokens, with the mean of real lattices in the other cells, (D, H, W)."""
    lattice = torch.from_numpy(_mean_lattice(run, tokenizer).copy())
    height, width = lattice.shape[1:]
    whole = np.zeros(height * width, dtype=np.int64)
    whole[:n_drawn] = tokens[:n_drawn]
    drawn = run.tokenizers[tokenizer].decode(torch.from_numpy(whole).reshape(1, height, width))[0]
    return torch.where(torch.arange(height * width).reshape(height, width) < n_drawn, drawn, lattice)


@copies(8, "Averaging lattices …")
def _mean_lattice(run: Run, tokenizer: str) -> Float[Array, "d h w"]:
    tokens = fetching.held_out_tokens(run, tokenizer)[: fetching.N_CONTEXT_IMAGES]
    return np.asarray(run.tokenizers[tokenizer].decode(torch.from_numpy(tokens)).mean(dim=0))


@copies(8, "Asking the prior …")
def surprise_bits(run: Run, tokenizer: str) -> Float[Array, "n h w"]:
    """Bits that each token of held-out images costs; a class-conditional prior is told the true class."""
    tokens = fetching.held_out_tokens(run, tokenizer)[:MEASURED_IMAGES]
    prior = run.priors[tokenizer]
    labels = fetching.held_out_of(run).labels[: len(tokens)] if prior.n_classes else None
    return np.asarray(nll_maps(prior, tokens, labels=labels) / np.log(2))


@copies(64, "Decoding …")
def reconstructions(
    run: Run, tokenizer: str, decoder: DecoderName, indices: tuple[int, ...]
) -> Float[Array, "n height width"]:
    """Held-out images, decoded from their tokens."""
    return decoded_tokens(run, tokenizer, decoder, fetching.held_out_tokens(run, tokenizer)[list(indices)])


@copies(32, "Completing …")
def completions(
    run: Run, drawing: Drawing, index: int, n_rows_kept: int, n_completions: int
) -> Float[Array, "n height width"]:
    """Ways to go on from the first rows of a held-out image."""
    tokens = complete_tokens(
        run.priors[drawing.tokenizer],
        torch.from_numpy(fetching.held_out_tokens(run, drawing.tokenizer)[[index]]),
        n_rows_kept,
        n_completions=n_completions,
        temperature=drawing.temperature,
        top_p=drawing.top_p,
        seed=drawing.seed,
        labels=drawing.label,
    )
    return decoded_tokens(run, drawing.tokenizer, drawing.decoder, tokens[0].numpy())


@copies(16, "Searching the training images …")
def nearest_training_images(
    run: Run, drawing: Drawing, n_samples: int
) -> tuple[NearestImages, Float[Array, "n height width"]]:
    """For each sample the most similar training image, and these images."""
    found = _nearest(run, torch.from_numpy(samples(run, drawing, n_samples)[:, None]))
    return found, fetching.training_images(run).batch(torch.from_numpy(found.indices))[:, 0].numpy()


@copies(8, "Searching the training images …")
def nearest_of_unseen(run: Run, n_images: int) -> NearestImages:
    """The same for real images that no model saw, as a yardstick."""
    held_out = fetching.held_out_of(run)
    return _nearest(run, held_out.batch(torch.arange(min(n_images, len(held_out)))))


def _nearest(run: Run, images: Float[torch.Tensor, "n 1 height width"]) -> NearestImages:
    train = fetching.training_images(run)
    return nearest_images(
        images, (train.batch(rows) for rows in torch.split(torch.arange(len(train)), _REFERENCE_BATCH))
    )
