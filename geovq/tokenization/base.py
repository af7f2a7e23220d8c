"""What every tokenizer does, and the checks they share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from geovq.config import DiscretizationConfig
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import LandmarkSample
from geovq.geometry.metric.footprint import Decode
from geovq.lattice import cells_of, lattices_of, require_lattices
from geovq.progress import Progress
from geovq.tokenization.given import GivenLattices, GivenTokens, as_tensor, require_tokens

KIND, FORMAT = "tokenizer", 1  # of the files that tokenizers write


class Encoding(NamedTuple):
    """Tokens, and how clear the choice of each was.

    Attributes
    ----------
    tokens : Tensor of shape (n, H, W)
        Code of every cell, in [0, n_codes).
    margin : Tensor of shape (n, H, W)
        How much farther the best other code is than the one taken: 0 where two codes tie, infinite where no other code
        was a candidate. In the unit in which the tokenizer measures: of the output geometry where its description
        says `measures_images`, else latent units; in the square of it where the local rule compares squared errors.
    """

    tokens: Int64[Tensor, "n h w"]
    margin: Float32[Tensor, "n h w"]


class Tokenizer(Protocol):
    """Lattices to tokens and back.

    Attributes
    ----------
    method : str
        Name in `geovq.catalogue.tokenizers`, such as "riemannian".
    codebook : Tensor of shape (K, D)
        Latent vector of every code.
    """

    @property
    def method(self) -> str:
        """Name in `geovq.catalogue.tokenizers`."""

    @property
    def codebook(self) -> Float[Tensor, "k d"]:
        """Latent vector of every code."""

    @property
    def n_codes(self) -> int:
        """Number K of codes."""

    def encode(self, lattices: GivenLattices) -> Int64[Tensor, "n h w"]:
        """Token of every cell, in [0, n_codes)."""

    def encode_with_margin(self, lattices: GivenLattices) -> Encoding:
        """The tokens that `encode` gives, and the margin of each."""

    def decode(self, tokens: GivenTokens) -> Float[Tensor, "n d h w"]:
        """Lattices whose cells are the codes that the tokens name."""

    def save(self, path: str | Path) -> None:
        """Write to a file that `geovq.load_tokenizer` reads."""


class CodebookTokenizer(ABC):
    """What tokenizers have in common that look up tokens in `codebook`."""

    codebook: Float[Tensor, "k d"]

    @property
    def n_codes(self) -> int:
        """Number K of codes."""
        return len(self.codebook)

    def encode(self, lattices: GivenLattices) -> Int64[Tensor, "n h w"]:
        """Token of every cell, (n, D, H, W) -> (n, H, W)."""
        return self.encode_with_margin(lattices).tokens

    @abstractmethod
    def encode_with_margin(self, lattices: GivenLattices) -> Encoding:
        """The tokens that `encode` gives, and the margin of each."""

    def decode(self, tokens: GivenTokens) -> Float[Tensor, "n d h w"]:
        """Lattices of codes, (n, H, W) -> (n, D, H, W)."""
        return look_up(self.codebook, tokens)


class StoredTokenizer(Tokenizer, Protocol):
    """A class of tokenizers that files hold.

    Attributes
    ----------
    ENCODING : str
        What its files name it by.
    """

    ENCODING: ClassVar[str]

    @classmethod
    def from_file(cls, tensors: dict[str, Tensor], metadata: Mapping[str, Any]) -> Self:
        """Tokenizer of the content of a file; TypeError or KeyError if a part is missing."""


class Fit(Protocol):
    """Makes a tokenizer for a trained decoder; `geovq.catalogue.tokenizers` names one for each post-hoc tokenizer.

    Parameters
    ----------
    sample : LandmarkSample
        Cells, landmarks and their graph, which several tokenizers may share.
    metrics : callable
        Returns the context-averaged pullback metric of each landmark, (N, A, A). It may be measured at the first call,
        so a fit that needs no metric does not call it.
    config : DiscretizationConfig
    decode : callable or None
        The decoder, from and to the CPU; a fit that needs it raises InvalidValueError where it is None.
    progress : Progress or None
    """

    def __call__(
        self,
        sample: LandmarkSample,
        metrics: Callable[[], Float[Tensor, "n a a"]],
        config: DiscretizationConfig,
        *,
        decode: Decode | None,
        progress: Progress | None,
    ) -> Tokenizer:
        """Tokenizer of the sample."""


def encode_cells(
    lattices: GivenLattices,
    n_channels: int,
    codes_of: Callable[[Float32[Tensor, "m d"]], tuple[Int64[Tensor, " m"], Float32[Tensor, " m"]]],
) -> Encoding:
    """Encode lattices cell by cell.

    Parameters
    ----------
    lattices : Tensor of shape (n, D, H, W)
    n_channels : int
        Channels D that the tokenizer knows.
    codes_of : callable
        Code and margin of every cell, (m, D) -> (m,), (m,).

    Returns
    -------
    Encoding
        Tokens and margins of shape (n, H, W), on the device of the lattices.

    Raises
    ------
    ShapeError
        If lattices do not have four axes or not those channels.
    InvalidValueError
        If they do not hold floating-point numbers.
    NonFiniteError
        If they hold NaN or infinity.
    """
    lattices = as_tensor(lattices, "lattices")
    require_lattices(lattices)
    n_lattices, channels, height, width = lattices.shape
    if channels != n_channels:
        raise ShapeError(
            f"lattices must have {n_channels} channels, like the latents the tokenizer was made from; "
            f"got {tuple(lattices.shape)}. Encode the images with the same autoencoder."
        )
    if not lattices.dtype.is_floating_point:
        raise InvalidValueError(
            f"lattices must hold floating-point numbers, the latents of an encoder; got {lattices.dtype}. "
            "Tokens become lattices with tokenizer.decode."
        )
    cells = cells_of(lattices.detach().float())
    if cells.numel() and not _is_finite(cells):
        raise NonFiniteError("lattices contain NaN or infinity; check the encoder that made them.")
    codes, margins = codes_of(cells)
    return Encoding(codes.reshape(n_lattices, height, width), margins.reshape(n_lattices, height, width))


def _is_finite(values: Tensor) -> bool:
    low, high = values.aminmax()  # NaN if there is one; many times faster than isfinite().all(), and makes no copy
    return bool(low > -torch.inf and high < torch.inf)


def look_up(codebook: Float[Tensor, "k d"], tokens: GivenTokens) -> Float[Tensor, "n d h w"]:
    """Lattices whose cells are the codes that the tokens name.

    Parameters
    ----------
    codebook : Tensor of shape (K, D)
    tokens : Tensor or array of shape (n, H, W)

    Returns
    -------
    Tensor of shape (n, D, H, W)
        On the device of the tokens.

    Raises
    ------
    ShapeError
        If tokens do not have three axes.
    InvalidValueError
        If tokens are not integers in [0, K).
    """
    tokens = require_tokens(tokens, len(codebook))
    _, height, width = tokens.shape
    return lattices_of(codebook.to(tokens.device)[tokens.flatten()], height, width)
