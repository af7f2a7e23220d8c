"""What the page Lattice keeps from one run of the script to the next: by the run and the pixels of the picture."""

from geovq.app.lattice import data
from geovq.app.lattice.data import Cell, Look
from geovq.app.shared import fetching, views
from geovq.app.shared.caching import copies, shared
from geovq.app.shared.views import Array
from geovq.geometry import ActiveSubspace, FieldSummary
from geovq.runs import Run


@shared(64, "Encoding …")
def look(run: Run, model: str, pixels: bytes) -> Look:
    """A picture in the latent space of an autoencoder."""
    return data.look(run, model, pixels)


@shared(64, "Encoding …")
def passage(run: Run, tokenizer: str, pixels: bytes) -> views.Passage:
    """A picture through a tokenizer."""
    return views.passage(run, tokenizer, data.as_batch(pixels))


@shared(4, "Looking for the active directions …")
def subspace(run: Run, model: str) -> ActiveSubspace:
    """Active directions of an autoencoder."""
    return data.subspace(run, model, fetching.held_out_of(run))


@copies(8, "Encoding …")
def channel_shares(run: Run, model: str) -> Array:
    """Share of the latent variance in each channel, (D,)."""
    return data.channel_shares(run, model, fetching.held_out_of(run))


@shared(32, "Differentiating the decoder in every cell …")
def field(run: Run, model: str, pixels: bytes) -> FieldSummary:
    """Metric of every cell in this picture's lattice."""
    return data.field(run, model, look(run, model, pixels), subspace(run, model))


@shared(128, False)
def cell(run: Run, model: str, pixels: bytes, position: tuple[int, int]) -> Cell:
    """One cell that can be moved."""
    return data.cell(run, model, look(run, model, pixels), subspace(run, model), position)


@shared(64, "Decoding the codes …")
def with_codes(run: Run, tokenizer: str, model: str, pixels: bytes, position: tuple[int, int]) -> Array:
    """Footprint of a cell with each code in its place, (K, h, w)."""
    return data.with_codes(run, tokenizer, look(run, model, pixels), position)
