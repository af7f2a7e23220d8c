"""Tokens of one held-out image by a tokenizer's own rule and chosen together, and what the changes do alone."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from geovq.app.shared.caching import shared
from geovq.app.shared.decoders import DecoderName, decoded_tokens, decoder_of
from geovq.app.shared.fetching import held_out_of, held_out_tokens
from geovq.evaluation.lone_changes import CancellingPair, errors_of_lone_changes, most_cancelling_pair
from geovq.runs import Run
from geovq.tokenization.search import CodePrices, ContextPrices, PriceKind, Prices, search_jointly
from geovq.viz.arrays import Array

_KINDS: dict[PriceKind, type[CodePrices] | type[ContextPrices]] = {"codes": CodePrices, "context": ContextPrices}


@dataclass(frozen=True)
class TokenChoice:
    """One choice of tokens for an image.

    Attributes
    ----------
    tokens : array of shape (H, W)
    decoded : array of shape (h, w)
        Intensities in [0, 1].
    mse : float
        Mean squared pixel difference to the image.
    bits : float
        Of the whole image, at the prices of the search.
    """

    tokens: Int[Array, "h w"]
    decoded: Float[Array, "height width"]
    mse: float
    bits: float


@dataclass(frozen=True)
class Together:
    """One image by a tokenizer's own rule and by joint search.

    Attributes
    ----------
    own, joint : TokenChoice
    alone : array of shape (H, W)
        Mean squared pixel difference if only that cell's token is changed from `own` to `joint`; NaN where both agree.
    pair : CancellingPair, optional
        The two touching cells whose changes need each other most, with errors as in `alone`.
    notes : tuple of str
        What the search did not do as asked.
    """

    own: TokenChoice
    joint: TokenChoice
    alone: Float[Array, "h w"]
    pair: CancellingPair | None
    notes: tuple[str, ...]

    @property
    def changed(self) -> Array:
        """Cells with another code, (H, W)."""
        changed: Array = self.own.tokens != self.joint.tokens
        return changed

    @property
    def n_worse_alone(self) -> int:
        """Changes that raise the error if they are made alone."""
        return int((self.alone[self.changed] > self.own.mse).sum())


@shared(16, "Counting tokens …")
def token_prices(run: Run, name: str, kind: PriceKind) -> Prices:
    """Bits of tokens, from the frequencies of a run's own tokens of the held-out images."""
    return _KINDS[kind].of(torch.from_numpy(held_out_tokens(run, name)), run.tokenizers[name].n_codes)


@shared(128, "Choosing the tokens together …")
@torch.no_grad()
def together(run: Run, name: str, decoder: DecoderName, index: int, bit_price: float, kind: PriceKind) -> Together:
    """Search all tokens of one held-out image at once, as its decoder paints them."""
    image = held_out_of(run).batch(torch.tensor([index]))
    tokenizer, painter = run.tokenizers[name], decoder_of(run, name, decoder)
    lattices = run.autoencoder(name).encode(image)
    found = search_jointly(painter.decode, tokenizer, lattices, image, bit_price, prices=token_prices(run, name, kind))
    own, joint = (tokens[0].numpy() for tokens in (tokenizer.encode(lattices), found.tokens))

    @torch.no_grad()
    def error_of(tokens: Array) -> Array:
        decoded = painter.decode(tokenizer.decode(torch.from_numpy(tokens)))
        errors: Array = (decoded - image).square().flatten(1).mean(dim=1, dtype=torch.float64).numpy()
        return errors

    pictures = decoded_tokens(run, name, decoder, np.stack([own, joint]))
    return Together(
        TokenChoice(own, pictures[0], float(found.error_before[0]), float(found.bits_before[0])),
        TokenChoice(joint, pictures[1], float(found.error_after[0]), float(found.bits_after[0])),
        errors_of_lone_changes(error_of, own, joint),
        most_cancelling_pair(error_of, own, joint),
        found.notes,
    )
