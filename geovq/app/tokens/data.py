"""What the page Tokens shows of a run, as plain arrays: thin calls into the library, no widgets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int

from geovq.app.shared import fetching
from geovq.app.shared.caching import shared
from geovq.app.shared.cells import Cell
from geovq.app.shared.decoders import DecoderName, decoded_tokens, decoder_of
from geovq.evaluation import TokenUsage, token_usage
from geovq.evaluation.class_usage import ClassUsage, class_usage
from geovq.evaluation.coassignment import coassigned_codes
from geovq.evaluation.cooccurrence import CoOccurrence, cooccurrence
from geovq.evaluation.matching import matched_codes
from geovq.runs import Run
from geovq.tokenization.patches import decoded_codes
from geovq.viz.arrays import Array

Edits = Mapping[Cell, int]  # code by row and column
VISIBLE = 0.05  # change of a pixel that counts as seen (white is 1)
_EDITS = re.compile(r"\d{1,4}:\d{1,5}(,\d{1,4}:\d{1,5})*")


@dataclass(frozen=True)
class Difference:
    """One image through two tokenizers.

    Attributes
    ----------
    differs : array of shape (H, W)
        Whether the two codes of a cell are no partners.
    errors : arrays of shape (H, W) by tokenizer
        Squared error to the original, summed over the pixels of each cell.
    """

    differs: Bool[Array, "H W"]
    errors: Mapping[str, Float[Array, "H W"]]

    def summed(self, name: str, *, differing: bool) -> float:
        """Squared error of one tokenizer over the cells that differ, or over the others."""
        return float(self.errors[name][self.differs == differing].sum())


@shared(16, "Counting neighbours …")
def companions(run: Run, name: str) -> CoOccurrence:
    """Codes of neighbouring cells of the held-out images."""
    return cooccurrence(fetching.held_out_tokens(run, name), run.tokenizers[name].n_codes)


@shared(16, "Counting classes …")
def usage_by_class(run: Run, name: str) -> ClassUsage:
    """Codes by the class of their image."""
    images, tokens = fetching.held_out_of(run), fetching.held_out_tokens(run, name)
    return class_usage(tokens, images.labels.numpy(), run.tokenizers[name].n_codes, len(images.class_names))


@shared(64, False)
def usage_in_class(run: Run, name: str, label: int | None) -> TokenUsage:
    """Use of the codes by the held-out images of one class, or of all if None."""
    tokens = fetching.held_out_tokens(run, name)
    if label is not None:
        tokens = tokens[fetching.held_out_of(run).labels.numpy() == label]
    return token_usage(tokens, run.tokenizers[name].n_codes)


@shared(16, "Matching the codes …")
def partners(run: Run, first: str, second: str, *, by_patch: bool) -> Int[Array, " L"] | None:
    """First code of each second one; None if they cannot be matched so."""
    if by_patch:
        return partners_by_patch(*(fetching.code_patches(run, name, None) for name in (first, second)))
    a, b = (fetching.held_out_tokens(run, name) for name in (first, second))
    return partners_by_use(a, b, run.tokenizers[first].n_codes, run.tokenizers[second].n_codes)


def partners_by_use(
    first: Int[Array, "n h w"], second: Int[Array, "n h w"], n_first: int, n_second: int
) -> Int[Array, " L"]:
    """First code of each second one: those that are given to the same cells; -1 for those that are left over."""
    return coassigned_codes(first, second, n_first, n_second).partner_of_second


def partners_by_patch(first: Float[Array, "K h w"], second: Float[Array, "L h2 w2"]) -> Int[Array, " L"] | None:
    """First code of each second one: those that paint alike; None if their patches are of different sizes."""
    if first.shape[1:] != second.shape[1:]:
        return None
    return matched_codes(first, second).partner_of_second(len(second))


def edited(tokens: Int[Array, "H W"], edits: Edits) -> Int[Array, "H W"]:
    """Tokens with some cells replaced."""
    changed: Array = tokens.copy()
    for cell, code in edits.items():
        changed[cell] = code
    return changed


def read_edits(text: str, shape: tuple[int, int], n_codes: int) -> Edits | None:
    """Edits as a link writes them, "24:13,25:7": cell in raster order and code; None if that is not what it says."""
    if not text:
        return {}
    if not _EDITS.fullmatch(text):
        return None
    pairs = [tuple(map(int, pair.split(":"))) for pair in text.split(",")]
    if any(index >= shape[0] * shape[1] or code >= n_codes for index, code in pairs):
        return None
    return {divmod(index, shape[1]): code for index, code in pairs}


def write_edits(edits: Edits, n_columns: int) -> str:
    """Edits for a link."""
    return ",".join(f"{row * n_columns + column}:{code}" for (row, column), code in sorted(edits.items()))


@shared(64, False)
@torch.no_grad()
def cell_patches(
    run: Run, name: str, decoder: DecoderName, tokens: Int[Array, "H W"], cell: Cell
) -> Float[Array, "K h w"]:
    """What every code would paint in one cell of one image."""
    tokenizer, model = run.tokenizers[name], decoder_of(run, name, decoder)
    context = tokenizer.decode(torch.from_numpy(tokens[None].copy()))[0]
    return decoded_codes(model.decode, tokenizer.codebook, context, cell)[:, 0].numpy()


@shared(64, False)
def decoded(run: Run, name: str, decoder: DecoderName, tokens: Int[Array, "H W"]) -> Float[Array, "height width"]:
    """One image of its tokens."""
    image: Array = decoded_tokens(run, name, decoder, tokens[None])[0]
    return image
