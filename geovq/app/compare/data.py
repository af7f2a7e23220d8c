"""What the comparison shows, computed once per pair of sides: thin calls into the library, no widgets."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int

from geovq.app.shared import fetching
from geovq.app.shared.caching import copies, run_key
from geovq.app.shared.decoders import DecoderName, decoded_tokens, decoder_words
from geovq.app.shared.fetching import MEASURED_IMAGES, first_batch
from geovq.errors import ShapeError
from geovq.evaluation import paired_difference, reconstruction, token_usage
from geovq.evaluation.comparison import PairedDifference
from geovq.evaluation.matching import Matching, matched_codes
from geovq.runs import Run
from geovq.viz import tokenizer_style
from geovq.viz.arrays import Array

Measure = Literal["mse", "distortion"]


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a tokenizer of a run, through one of its decoders.

    `images` is the run whose held-out images both sides see.
    """

    run: Run
    tokenizer: str
    decoder: DecoderName
    images: Run

    @property
    def label(self) -> str:
        """What it is called, without its run."""
        return tokenizer_style(self.tokenizer).label + decoder_words(self.decoder)

    @property
    def stored(self) -> bool:
        """Whether the run's own tokens are those of the images that are looked at."""
        return image_set(self.run) == image_set(self.images)


def image_set(run: Run) -> tuple[object, ...]:
    """What decides which held-out images a run has, and in which order."""
    n_images = run.config.evaluation.n_images
    return run.config.data.dataset, n_images, None if n_images is None else run.seed


def _side_key(side: Side) -> tuple[str, ...]:
    return (*run_key(side.run), side.tokenizer, side.decoder, *run_key(side.images))


@copies(16, "Encoding the images …", {Side: _side_key})
def tokens(side: Side) -> Int[Array, "n h w"]:
    """Tokens of the held-out images that the comparison rests on."""
    if side.stored:
        return fetching.held_out_tokens(side.run, side.tokenizer)[:MEASURED_IMAGES]
    images = first_batch(fetching.held_out_of(side.images), MEASURED_IMAGES)
    with torch.no_grad():
        lattices = side.run.autoencoder(side.tokenizer).encode(images)
    return side.run.tokenizers[side.tokenizer].encode(lattices).numpy()


@copies(64, "Decoding …", {Side: _side_key})
def decoded(side: Side, indices: tuple[int, ...]) -> Float[Array, "n height width"]:
    """Held-out images, decoded from their tokens."""
    return decoded_tokens(side.run, side.tokenizer, side.decoder, tokens(side)[list(indices)])


@copies(16, "Measuring every image …", {Side: _side_key})
def errors(side: Side, measure: Measure) -> Float[Array, " n"]:
    """Error of each held-out image, in squared pixel intensity: of the whole way, or of quantizing alone."""
    if measure == "distortion" and side.stored:
        return fetching.measured_distortion(side.run, side.tokenizer).per_image
    images = first_batch(fetching.held_out_of(side.images), MEASURED_IMAGES)
    means = torch.from_numpy(decoded_tokens(side.run, side.tokenizer, side.decoder, tokens(side)))[:, None]
    if measure == "distortion":
        model = side.run.autoencoder(side.tokenizer)
        with torch.no_grad():
            images = model.decode(model.encode(images))
    return reconstruction(images, means).per_image_mse


@copies(16, "Counting tokens …", {Side: _side_key})
def rate_bits(side: Side) -> float:
    """Entropy of the tokens of these images, in bits per token."""
    return token_usage(tokens(side), side.run.tokenizers[side.tokenizer].n_codes).entropy_bits


@copies(16, "Resampling …", {Side: _side_key})
def difference(a: Side, b: Side, measure: Measure) -> PairedDifference:
    """Mean of a's error minus b's over the same images, with a bootstrap interval."""
    return paired_difference(errors(a, measure), errors(b, measure))


@copies(16, "Matching the codes …", {Side: _side_key})
def matching(a: Side, b: Side) -> Matching | None:
    """Codes of both that paint the same; None if the two decoders paint patches of different sizes."""
    try:
        return matched_codes(patches(a), patches(b))
    except ShapeError:
        return None


def patches(side: Side) -> Float[Array, "k h w"]:
    """What each code paints in the centre cell of the mean lattice, by the autoencoder's own decoder."""
    return fetching.code_patches(side.run, side.tokenizer, None)
