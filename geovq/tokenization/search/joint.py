"""Tokens of a lattice, chosen together.

Where footprints overlap, errors of neighbouring cells add up or cancel in the picture, and a rule that looks at one
cell at a time cannot know. Joint search minimises |x - f(c_t)|^2 + price * bits(t) over all tokens t of a lattice: the
decoder is linearised at the current tokens, so that the error is a quadratic form of the lattice metric; cells take
turns to choose among the codes near to them; what was chosen is decoded, and kept if the objective fell.

Sources: Besag (1986), "On the statistical analysis of dirty pictures"; Yang, Bamler, Mandt (2020), "Improving
Inference for Neural Image Compression".
"""

import math
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.geometry.metric.colouring import colour_cells
from geovq.geometry.metric.decoder_check import check_decoder
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.lattice_metric import require_images
from geovq.geometry.metric.linearisation import LinearisationPlan
from geovq.geometry.metric.subspace import require_orthonormal
from geovq.precision import computes_in_bfloat16
from geovq.progress import Progress
from geovq.tokenization.base import Tokenizer
from geovq.tokenization.search.basis import search_basis
from geovq.tokenization.search.prices import CodePrices, Prices, require_codes
from geovq.tokenization.search.problem import Problem
from geovq.tokenization.search.products import has_products
from geovq.tokenization.search.result import JointTokens
from geovq.tokenization.search.search import JointSearch
from geovq.tokenization.search.stable_prices import PriceKind, learn_prices

Precision = Literal["auto", "float32", "bfloat16"]


def encode_jointly(
    decoder: Decode,
    tokenizer: Tokenizer,
    lattices: Float[Tensor, "n d h w"],
    images: Float[Tensor, "n ..."] | None = None,
    bit_price: float = 0.006,
    n_candidates: int = 8,
    n_rounds: int = 2,
    *,
    prices: PriceKind | Prices = "codes",
    exact: bool = False,
    basis: Float[Tensor, "d a"] | None = None,
    precision: Precision = "auto",
    chunk_size: int | None = None,
    progress: Progress | None = None,
) -> Int64[Tensor, "n h w"]:
    """Tokens of `search_jointly`, which also says what the search changed.

    Parameters
    ----------
    decoder, tokenizer, lattices, images, bit_price, n_candidates, n_rounds, prices, exact, basis, precision, ...
        As in `search_jointly`.

    Returns
    -------
    Tensor of shape (n, H, W)
        Code of every cell, in [0, n_codes).
    """
    return search_jointly(
        decoder,
        tokenizer,
        lattices,
        images,
        bit_price,
        n_candidates,
        n_rounds,
        prices=prices,
        exact=exact,
        basis=basis,
        precision=precision,
        chunk_size=chunk_size,
        progress=progress,
    ).tokens


def search_jointly(
    decoder: Decode,
    tokenizer: Tokenizer,
    lattices: Float[Tensor, "n d h w"],
    images: Float[Tensor, "n ..."] | None = None,
    bit_price: float = 0.006,
    n_candidates: int = 8,
    n_rounds: int = 2,
    *,
    prices: PriceKind | Prices = "codes",
    exact: bool = False,
    basis: Float[Tensor, "d a"] | None = None,
    precision: Precision = "auto",
    chunk_size: int | None = None,
    progress: Progress | None = None,
) -> JointTokens:
    """Choose all tokens of each lattice together, so that the decoded picture comes close to its target for few bits.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...) to pixel means, in eval mode; runs on the device of `lattices`. One
        that cannot be differentiated in forward mode is searched by trial decoding.
    tokenizer : Tokenizer
        Any that looks its codes up in a codebook.
    lattices : Tensor of shape (n, D, H, W)
        Latents of the images, not quantized. Candidates of a cell are the codes nearest to its latent.
    images : Tensor of the decoded shape, optional
        What the tokens should decode to; by default the decoded lattices.
    bit_price : float, default=0.006
        Squared pixel error, summed over an image, that one bit is worth.
    n_candidates : int, default=8
        Codes that compete for each cell, besides the one that it has; all of them if the tokenizer has fewer. Many more
        leave the range in which the linear decoder can be trusted.
    n_rounds : int, default=2
        Linearisations at most. An image without a change needs no more.
    prices : {"codes", "context"} or Prices, default="codes"
        Bits of tokens. "codes": by the frequency of each code; "context": by the tokens to the left and above; both are
        learned from these lattices until prices and tokens agree, so that a token depends on all of them. Or prices
        made elsewhere, such as `learned.prices` of a training sample or `prior_prices(prior)`.
    exact : bool, default=False
        Decode every candidate instead of trusting the linear decoder: a reference, many times slower.
    basis : Tensor of shape (D, A), optional
        Orthonormal directions in which the decoder is differentiated. By default the active subspace of the tokenizer,
        or the principal directions of its codes.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of the decoder's derivatives; what they lead to is decoded as ever. "auto": bfloat16 where lattices are float32
        and the device has instructions for it, else the type of the lattices, which "float32" keeps anyhow.
    chunk_size : int, optional
        Lattices at once; bounds memory.
    progress : Progress, optional

    Returns
    -------
    JointTokens
        No image has a larger error + bit_price * bits than by the tokenizer's own rule, at the same prices.

    Raises
    ------
    ShapeError
        If lattices have not the tokenizer's channels, or images not the shape of decoded lattices.
    InvalidValueError
        If a number is out of range, or the decoder is in train mode or mixes the rows of a batch.
    NonFiniteError
        If lattices, images, prices or the decoder's output contain NaN or infinity.
    DeviceError
        If decoder and lattices are on different devices, or not even one lattice fits into memory.
    """
    _require_numbers(bit_price, n_candidates, n_rounds, chunk_size)
    own = tokenizer.encode(lattices)
    check_decoder(decoder, lattices, needs_derivative=False)
    colouring = colour_cells(decoder, lattices[0])
    if images is not None:
        require_images(images, len(lattices), colouring.footprints.image_shape)
    basis, projection = search_basis(tokenizer) if basis is None else (basis, basis)
    basis, projection = basis.to(lattices), projection.to(lattices)
    require_orthonormal(basis)
    if len(basis) != lattices.shape[1]:
        raise ShapeError(f"basis must have {lattices.shape[1]} rows, one per latent channel; got {tuple(basis.shape)}.")
    n_codes = tokenizer.n_codes
    notes = []
    if n_candidates > n_codes:
        notes.append(f"All {n_codes} codes competed for each cell: there are fewer than {n_candidates}.")
    problem = Problem(
        decoder,
        tokenizer,
        colouring,
        basis,
        projection,
        tokenizer.codebook.to(lattices) @ projection,
        CodePrices.of(own, n_codes),
        bit_price,
        min(n_candidates, n_codes),
    )
    plan = None
    if has_products(decoder, lattices[0], basis):
        plan = LinearisationPlan(colouring, basis, in_bfloat16=_takes_bfloat16(precision, lattices))
        plan = plan.for_layers_of(decoder, lattices[0])
    if plan is None and not exact:
        notes.append("The decoder has no forward-mode derivative, so candidates were tried by decoding each.")
    search = JointSearch(problem, plan, lattices, images, n_rounds, exact, chunk_size)
    if isinstance(prices, str):
        if prices not in get_args(PriceKind):
            raise InvalidValueError(f"prices must be 'codes', 'context' or an object with prices; got {prices!r}.")
        learned = learn_prices(search, own, prices, progress)
        prices = learned.prices
        if not learned.is_stable:
            notes.append(f"Prices still moved after {learned.n_iterations} iterations, by {learned.last_change:.1%}.")
    require_codes(prices, n_codes)
    found = search.with_prices(prices).run(own, progress)
    tokens, n_pixels = found.after.tokens, math.prod(colouring.footprints.image_shape)
    n_used = len(torch.unique(tokens))
    if n_used == 1 < n_codes:
        notes.append(
            f"At {bit_price:g} per bit only code {int(tokens.flatten()[0])} is left; a lower price keeps more codes."
        )
    return JointTokens(
        tokens,
        found.before.errors / n_pixels,
        found.after.errors / n_pixels,
        found.before.bits,
        found.after.bits,
        found.n_rounds,
        (tokens != own).sum(dim=(1, 2)),
        prices,
        bit_price,
        problem.n_candidates,
        n_used,
        "trial decoding" if exact or plan is None else "lattice metric",
        tuple(notes),
    )


def _require_numbers(bit_price: float, n_candidates: int, n_rounds: int, chunk_size: int | None) -> None:
    if not 0 <= bit_price < math.inf:
        raise InvalidValueError(
            f"bit_price must be a number of at least 0, squared pixel error per bit; got {bit_price}."
        )
    for name, value in (("n_candidates", n_candidates), ("n_rounds", n_rounds), ("chunk_size", chunk_size)):
        if value is not None and value < 1:
            raise InvalidValueError(f"{name} must be at least 1; got {value}.")


def _takes_bfloat16(precision: Precision, lattices: Tensor) -> bool:
    if precision not in get_args(Precision):
        raise InvalidValueError(f"precision must be 'auto', 'float32' or 'bfloat16'; got {precision!r}.")
    if precision == "auto":
        return lattices.dtype == torch.float32 and computes_in_bfloat16(lattices.device)
    return precision == "bfloat16"
