"""Codes moved to where jointly chosen tokens want them: a centroid step for all cells of many lattices at once.

A centroid step of k-means looks at one cell at a time. Where footprints overlap, cells share their errors, so the best
codes for given tokens t solve one least-squares problem: the least sum of |x - f(q) - J (c_t - q)|^2 over the codebook
c, with f linear at the quantized lattices q. Search and step take turns. The step is damped, and kept only if images
that it did not see are decoded with less error.

Sources: Linder, Zamir, Zeger (1999), "High-resolution source coding for non-difference distortion measures";
Levenberg (1944) for the damping.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.errors import InvalidValueError
from geovq.geometry.metric.colouring import colour_cells
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.linearisation import LinearisationPlan, linearise
from geovq.progress import Progress
from geovq.tokenization.base import Tokenizer
from geovq.tokenization.local_metric import LocalMetricTokenizer
from geovq.tokenization.nearest_code import NearestCodeTokenizer
from geovq.tokenization.search.basis import search_basis
from geovq.tokenization.search.joint import search_jointly
from geovq.tokenization.search.stable_prices import PriceKind

SETTING = "refine_rounds"  # of the tokenizers whose codes may lie anywhere

_DAMPINGS = (0.1, 1.0, 10.0)  # added to the diagonal, as multiples of it
_HELD_OUT = 5  # every fifth image decides whether a step is kept
_MOST_STEPS = 3  # between two searches
_MOST_UNKNOWNS = 8_192  # numbers of a codebook: the square of them is held


@dataclass(frozen=True)
class RefinedCodebook:
    """A tokenizer with other codes, and what its steps gained.

    Attributes
    ----------
    tokenizer : Tokenizer
    n_steps : int
        Steps that were kept.
    held_out_errors : tuple of float
        For every round, the error of the images that no step saw after its steps over that before them.
    """

    tokenizer: Tokenizer
    n_steps: int
    held_out_errors: tuple[float, ...]

    def sentence(self) -> str:
        """For a log."""
        if not self.n_steps:
            return "Refining the codebook would not have lowered the error of images that it did not see."
        changes = ", ".join(f"{ratio - 1:+.1%}" for ratio in self.held_out_errors)
        return f"Refining the codebook changed the error of images that it did not see by {changes}, round by round."


@torch.no_grad()
def refine_codebook(
    decoder: Decode,
    tokenizer: Tokenizer,
    lattices: Float[Tensor, "n d h w"],
    images: Float[Tensor, "n ..."],
    n_rounds: int,
    *,
    bit_price: float = 0.006,
    n_candidates: int = 8,
    prices: PriceKind = "codes",
    progress: Progress | None = None,
) -> RefinedCodebook:
    """Search tokens jointly and move the codes, a few times.

    Parameters
    ----------
    decoder, lattices, images, bit_price, n_candidates, prices, progress
        As in `search_jointly`; training images.
    tokenizer : Tokenizer
        One whose codes may lie anywhere.
    n_rounds : int
        Searches, each followed by three steps at most.

    Raises
    ------
    InvalidValueError
        If codes of the tokenizer must be landmarks or belong to a network, there are fewer than five images, or the
        codebook has more than 8,192 numbers.
    """
    if SETTING not in TOKENIZERS[tokenizer.method].own_settings or not isinstance(
        tokenizer, LocalMetricTokenizer | NearestCodeTokenizer
    ):
        free = ", ".join(name for name, about in TOKENIZERS.items() if SETTING in about.own_settings)
        raise InvalidValueError(
            f"The codes of {tokenizer.method} cannot move: they are landmarks, or belong to a network. "
            f"Those of {free} can be refined."
        )
    basis = search_basis(tokenizer)[0].to(lattices)
    n_unknowns = tokenizer.n_codes * basis.shape[1]
    if n_unknowns > _MOST_UNKNOWNS or len(lattices) < _HELD_OUT:
        raise InvalidValueError(
            f"A codebook of at most {_MOST_UNKNOWNS:,} numbers is refined on at least {_HELD_OUT} images; got "
            f"{tokenizer.n_codes} codes along {basis.shape[1]} directions, and {len(lattices)} images."
        )
    plan = LinearisationPlan(colour_cells(decoder, lattices[0]), basis).for_layers_of(decoder, lattices[0])
    rows = torch.arange(len(lattices), device=lattices.device)
    seen, held_out = rows[rows % _HELD_OUT > 0], rows[rows % _HELD_OUT == 0]
    ratios, n_steps = [], 0
    for _ in range(n_rounds):
        tokens = search_jointly(
            decoder, tokenizer, lattices, images, bit_price, n_candidates, prices=prices, progress=progress
        ).tokens
        seen_part = TokenImages(decoder, plan, tokens[seen], images[seen])
        judge = TokenImages(decoder, plan, tokens[held_out], images[held_out])
        found, kept = _moved(tokenizer.codebook.to(lattices), seen_part, judge)
        n_steps += kept
        ratios.append(judge.error(found) / judge.error(tokenizer.codebook.to(lattices)))
        if not kept:
            break
        tokenizer = replace(tokenizer, codebook=found.to(tokenizer.codebook))
    return RefinedCodebook(tokenizer, n_steps, tuple(ratios))


@dataclass(frozen=True)
class TokenImages:
    """Some images with their tokens, which stay while codes move.

    Attributes
    ----------
    decoder : callable
    plan : LinearisationPlan
    tokens : Tensor of shape (n, H, W)
    images : Tensor of shape (n, ...)
    """

    decoder: Decode
    plan: LinearisationPlan
    tokens: Int64[Tensor, "n h w"]
    images: Float[Tensor, "n ..."]

    def chunks(self, codebook: Float[Tensor, "k d"]) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Tokens (n, L), their lattices and images (n, P), as many as may be linearised at once."""
        size = self.plan.chunk_size(codebook[self.tokens[:1]].movedim(3, 1))
        images = torch.split(self.images.to(codebook).flatten(1), size)
        parts = zip(torch.split(self.tokens, size), images, strict=True)
        return [(tokens.flatten(1), codebook[tokens].movedim(3, 1), images) for tokens, images in parts]

    def error(self, codebook: Float[Tensor, "k d"]) -> float:
        """Squared pixel error of all images, summed."""
        errors = [
            (self.decoder(lattices).flatten(1) - images).square().sum(dtype=torch.float64)
            for _, lattices, images in self.chunks(codebook)
        ]
        return float(torch.stack(errors).sum())


def _moved(codebook: Float[Tensor, "k d"], seen: TokenImages, judge: TokenImages) -> tuple[Float[Tensor, "k d"], int]:
    """The codebook after the steps that lower the error of the judge, and their number."""
    least = judge.error(codebook)
    for step in range(_MOST_STEPS):
        matrix, pulled = normal_equations(codebook, seen)
        moved = [
            codebook + damped_step(matrix, pulled, damping).to(codebook) @ seen.plan.basis.T for damping in _DAMPINGS
        ]
        errors = [judge.error(candidate) for candidate in moved]
        if not min(errors) < least:
            return codebook, step
        least = min(errors)
        codebook = moved[errors.index(least)]
    return codebook, _MOST_STEPS


def normal_equations(
    codebook: Float[Tensor, "k d"], part: TokenImages
) -> tuple[Float64[Tensor, "ka ka"], Float64[Tensor, "k a"]]:
    """Matrix and right side of the least squares over steps of the codes along the basis.

    Entry (k, a), (l, b) of the matrix sums the blocks of J^T J between cells with tokens k and l; the right side sums
    J^T r over the cells of each token.
    """
    n_codes, a = len(codebook), part.plan.basis.shape[1]
    matrix = torch.zeros(n_codes**2, a * a, dtype=torch.float64, device=codebook.device)
    right = torch.zeros(n_codes, a, dtype=torch.float64, device=codebook.device)
    overlaps = part.plan.overlaps
    cells, places = overlaps.is_pair.nonzero(as_tuple=True)
    others = overlaps.neighbours[cells, places]
    for tokens, lattices, images in part.chunks(codebook):
        linear = linearise(part.decoder, lattices, part.plan)
        blocks = linear.blocks()[:, cells, places].double()  # (n, pairs, A, A)
        matrix.index_add_(0, (tokens[:, cells] * n_codes + tokens[:, others]).flatten(), blocks.reshape(-1, a * a))
        right.index_add_(0, tokens.flatten(), linear.pull(images - linear.means).double().flatten(0, 1))
    whole = matrix.reshape(n_codes, n_codes, a, a).transpose(1, 2).reshape(n_codes * a, n_codes * a)
    return whole, right


def damped_step(
    matrix: Float64[Tensor, "ka ka"], right: Float64[Tensor, "k a"], damping: float
) -> Float64[Tensor, "k a"]:
    """Step of every code; one that no cell has stays."""
    diagonal = matrix.diagonal()
    raised = damping * diagonal + torch.where(diagonal > 0, 0.0, 1.0)
    step: Tensor = torch.linalg.solve(matrix + raised.diag(), right.flatten())
    return step.reshape(right.shape)
