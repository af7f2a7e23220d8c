"""How the tokens of a run are chosen: by each tokenizer's own rule, cell by cell, or all of an image together."""

from collections.abc import Callable

import torch
from jaxtyping import Int64
from torch import Tensor

from geovq.data import ImageSet
from geovq.geometry.landmarks import draw_images
from geovq.progress import Progress
from geovq.runs.stages.workspace import Autoencoder, Decoder, Workspace
from geovq.tokenization import Tokenizer
from geovq.tokenization.search import JointTokens, PriceKind, Prices, search_jointly

TokenRule = Callable[[ImageSet], Int64[Tensor, "n h w"]]

N_PRICE_IMAGES = 1_000


def own_rule(work: Workspace, model: Autoencoder, tokenizer: Tokenizer) -> TokenRule:
    """The tokenizer's own rule, which looks at one cell at a time; the result is on the CPU."""
    return lambda images: tokenizer.encode(work.encode(model, images))


def joint_rule(
    work: Workspace,
    model: Autoencoder,
    tokenizer: Tokenizer,
    *,
    decoder: Decoder | None = None,
    n_price_images: int = N_PRICE_IMAGES,
) -> TokenRule:
    """Joint search at prices that are learned first, on training images, so that a token depends on its image only.

    Parameters
    ----------
    work : Workspace
        With `config.search`.
    model : LatticeVAE or LatticeVQVAE
        On the run's device.
    tokenizer : Tokenizer
    decoder : LatticeDecoder, optional
        What is searched with, on the run's device; by default the model's own decoder, whatever the tokens are decoded
        with later.
    n_price_images : int, default=1000
        Training images from whose tokens prices are learned.

    Returns
    -------
    callable
        Images to tokens on the CPU.
    """
    settings, decode = work.config.search, (decoder or model).decode

    @torch.no_grad()
    def search(pixels: Tensor, prices: Prices | PriceKind, progress: Progress | None) -> JointTokens:
        return search_jointly(
            decode,
            tokenizer,
            model.encode(pixels),
            pixels,
            settings.bit_price,
            settings.n_candidates,
            settings.n_rounds,
            prices=prices,
            progress=progress,
        )

    train = work.images("train")
    drawn = draw_images(len(train), n_price_images, seed=work.config.seed, stream="search/prices")
    learned = search(train.batch(drawn).to(work.device), settings.prices, work.progress)
    work.progress.note(learned.sentence())

    def tokens(images: ImageSet) -> Tensor:
        return work.in_batches(
            len(images), lambda rows: search(images.batch(rows).to(work.device), learned.prices, None).tokens
        )

    return tokens
