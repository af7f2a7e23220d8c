"""What the page Lattice keeps from one run of the script to the next: by the run and the pixels of the picture."""

from geovq.app import caching, lattice_data, views
from geovq.app.keeping import copies, shared
from geovq.app.lattice_data import Cell, Look
from geovq.app.views import Array
from geovq.geometry import ActiveSubspace, FieldSummary
from geovq.runs import Run


@shared(64, "Encoding …")
def look(run: Run, model: str, pixels: bytes) -> Look:
    """A picture in the latent space of an autoencoder."""
    return lattice_data.look(run, model, pixels)


@shared(64, "Encoding …")
def passage(run: Run, tokenizer: str, pixels: bytes) -> views.Passage:
    """A picture through a tokenizer."""
    return views.passage(run, tokenizer, lattice_data.as_batch(pixels))


@shared(4, "Looking for the active directions …")
def subspace(run: Run, model: str) -> ActiveSubspace:
    """Active directions of an autoencoder."""
    return lattice_data.subspace(run, model, caching.held_out_of(run))


@copies(8, "Encoding …")
def channel_shares(run: Run, model: str) -> Array:
    """Share of the latent variance in each channel, (D,)."""
    return lattice_data.channel_shares(run, model, caching.held_out_of(run))


@shared(32, "Differentiating the decoder in every cell …")
def field(run: Run, model: str, pixels: bytes) -> FieldSummary:
    """Metric of every cell in this picture's lattice."""
    return lattice_data.field(run, model, look(run, model, pixels), subspace(run, model))


@shared(128, False)
def cell(run: Run, model: str, pixels: bytes, position: tuple[int, int]) -> Cell:
    """One cell that can be moved."""
    return lattice_data.cell(run, model, look(run, model, pixels), subspace(run, model), position)


@shared(64, "Decoding the codes …")
def with_codes(run: Run, tokenizer: str, model: str, pixels: bytes, position: tuple[int, int]) -> Array:
    """Footprint of a cell with each code in its place, (K, h, w)."""
    return lattice_data.with_codes(run, tokenizer, look(run, model, pixels), position)
