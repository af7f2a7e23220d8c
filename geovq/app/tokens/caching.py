"""What the page Tokens keeps from one run of the script to the next: by folder and fingerprint."""

import numpy as np

from geovq.app.shared import fetching
from geovq.app.shared.caching import shared
from geovq.app.shared.decoders import DecoderName
from geovq.app.shared.views import Array
from geovq.app.tokens import data
from geovq.app.tokens.data import Cell
from geovq.evaluation import TokenUsage, token_usage
from geovq.evaluation.class_usage import ClassUsage, class_usage
from geovq.evaluation.cooccurrence import CoOccurrence, cooccurrence
from geovq.runs import Run

CENTRE = (3, 3)  # where codes are decoded, in the mean lattice


@shared(16, "Counting neighbours …")
def companions(run: Run, name: str) -> CoOccurrence:
    """Codes of neighbouring cells of the held-out images."""
    return cooccurrence(fetching.held_out_tokens(run, name), run.tokenizers[name].n_codes)


@shared(16, "Counting classes …")
def by_class(run: Run, name: str) -> ClassUsage:
    """Codes by the class of their image."""
    images, tokens = fetching.held_out_of(run), fetching.held_out_tokens(run, name)
    labels = images.labels.numpy()
    return class_usage(tokens, labels, run.tokenizers[name].n_codes, len(images.class_names))


@shared(64, False)
def usage_of(run: Run, name: str, label: int | None) -> TokenUsage:
    """Use of the codes by the held-out images of one class, or of all."""
    tokens = fetching.held_out_tokens(run, name)
    if label is not None:
        tokens = tokens[fetching.held_out_of(run).labels.numpy() == label]
    return token_usage(tokens, run.tokenizers[name].n_codes)


@shared(16, "Matching the codes …")
def partners(run: Run, first: str, second: str, *, by_patch: bool) -> Array | None:
    """First code of each second one; None if they cannot be matched so."""
    if by_patch:
        return data.partners_by_patch(*(fetching.code_patches(run, n, None, CENTRE) for n in (first, second)))
    a, b = (fetching.held_out_tokens(run, name) for name in (first, second))
    return data.partners_by_use(a, b, run.tokenizers[first].n_codes, run.tokenizers[second].n_codes)


@shared(64, False)
def cell_patches(run: Run, name: str, decoder: DecoderName, tokens: tuple[int, ...], width: int, cell: Cell) -> Array:
    """What every code would paint in one cell; tokens in raster order."""
    return data.cell_patches(run, name, decoder, np.array(tokens).reshape(-1, width), cell)


@shared(64, False)
def decoded(run: Run, name: str, decoder: DecoderName, tokens: tuple[int, ...], width: int) -> Array:
    """One image of its tokens, in raster order."""
    return data.decoded(run, name, decoder, np.array(tokens).reshape(-1, width))
