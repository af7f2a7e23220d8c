"""Two other ways to measure the edges of a landmark graph, to check the trapezoid rule of `PullbackMetric` against.

Both place the edge in a lattice, as one of its cells, and ask the decoder itself: once for the pushforward of the step
at the edge's midpoint, once for the images along it. They share neither metric tensors nor colouring with the rule that
they check. All three differ from the length of the straight latent segment by a relative term of second order in it.

Source: Arvanitidis, Hansen, Hauberg (2018), "Latent Space Oddity" (midpoint); Shao, Kumar, Fletcher (2018) (chords).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.forward_mode import pushforward

_Measure = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # tails, heads, lattices, positions -> lengths


def midpoint_edge_lengths(
    decoder: Decode,
    tails: Float[Tensor, "e d"],
    heads: Float[Tensor, "e d"],
    lattices: Float[Tensor, "*contexts d h w"],
    positions: Int64[Tensor, "e 2"],
    *,
    chunk_size: int = 256,
) -> Float[Tensor, " e"]:
    """Length |J (head - tail)|, J at the middle of the edge: one Jacobian-vector product per edge.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...) to pixel means. Rows must not interact: use eval mode.
    tails, heads : Tensor of shape (E, D)
        Latents at the ends; `ActiveSubspace.lift` makes them of points.
    lattices : Tensor of shape (E, D, H, W) or (D, H, W)
        The context of each edge, or one for all of them.
    positions : Tensor of shape (E, 2), int64
        Row and column of the cell that moves along the edge.
    chunk_size : int, default=256
        Lattices per decoder pass; bounds memory, never changes the result.

    Returns
    -------
    Tensor of shape (E,)
        In units of pixel intensity (L2 over the image).

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    InvalidValueError
        If a position is outside its lattice.
    NonFiniteError
        If a length is NaN or infinite.
    """

    @torch.no_grad()
    def measure(tails: Tensor, heads: Tensor, lattices: Tensor, positions: Tensor) -> Tensor:
        middles = _placed((tails + heads) / 2, lattices, positions)
        steps = _placed(heads - tails, torch.zeros_like(lattices), positions)
        return _norms(pushforward(decoder, middles, steps)[1])

    return _in_chunks(measure, tails, heads, lattices, positions, chunk_size)


def chord_edge_lengths(
    decoder: Decode,
    tails: Float[Tensor, "e d"],
    heads: Float[Tensor, "e d"],
    lattices: Float[Tensor, "*contexts d h w"],
    positions: Int64[Tensor, "e 2"],
    *,
    n_chords: int = 8,
    chunk_size: int = 256,
) -> Float[Tensor, " e"]:
    """Sum of the distances between the images at `n_chords + 1` even points of the edge; needs no derivative.

    Parameters
    ----------
    decoder, tails, heads, lattices, positions, chunk_size
        As for `midpoint_edge_lengths`; the decoder need not be differentiable.
    n_chords : int, default=8
        Parts of the edge. One part is the plain distance between the images at its ends; the more, the closer to the
        length of the segment, from below.

    Raises
    ------
    ShapeError, NonFiniteError
        As `midpoint_edge_lengths`.
    InvalidValueError
        If a position is outside its lattice, or `n_chords` is below 1.
    """
    if n_chords < 1:
        raise InvalidValueError(f"n_chords must be at least 1; got {n_chords}.")

    @torch.no_grad()
    def measure(tails: Tensor, heads: Tensor, lattices: Tensor, positions: Tensor) -> Tensor:
        lengths, before = tails.new_zeros(len(tails)), decoder(_placed(tails, lattices, positions))
        for part in range(1, n_chords + 1):
            after = decoder(_placed(torch.lerp(tails, heads, part / n_chords), lattices, positions))
            lengths, before = lengths + _norms(after - before), after
        return lengths

    return _in_chunks(measure, tails, heads, lattices, positions, chunk_size)


def _in_chunks(
    measure: _Measure, tails: Tensor, heads: Tensor, lattices: Tensor, positions: Tensor, chunk_size: int
) -> Tensor:
    if lattices.ndim == 3:
        lattices = lattices.expand(len(tails), *lattices.shape)
    _require_edges(tails, heads, lattices, positions)
    parts = (tails.to(lattices), heads.to(lattices), lattices, positions.to(lattices.device))
    chunks = zip(*(torch.split(part, chunk_size) for part in parts), strict=True)
    lengths = torch.cat([measure(*chunk) for chunk in chunks])
    if not torch.isfinite(lengths).all():
        raise NonFiniteError("The length of an edge is NaN or infinite; check the decoder and the latents at its ends.")
    return lengths


def _require_edges(tails: Tensor, heads: Tensor, lattices: Tensor, positions: Tensor) -> None:
    n_edges = len(tails)
    if tails.ndim != 2 or tails.shape != heads.shape:
        raise ShapeError(f"tails and heads must both be (E, D); got {tuple(tails.shape)} and {tuple(heads.shape)}.")
    if lattices.ndim != 4 or lattices.shape[:2] != tails.shape:
        raise ShapeError(
            f"lattices must be ({n_edges}, {tails.shape[1]}, H, W), one per edge, or one (D, H, W) for all; "
            f"got {tuple(lattices.shape)}."
        )
    if positions.shape != (n_edges, 2):
        raise ShapeError(f"positions must be ({n_edges}, 2), row and column per edge; got {tuple(positions.shape)}.")
    size = torch.tensor(lattices.shape[2:], device=positions.device)
    if not ((positions >= 0) & (positions < size)).all():
        raise InvalidValueError(
            f"positions must be cells of the {size[0]} by {size[1]} lattices; "
            f"got {positions.amin(dim=0).tolist()} to {positions.amax(dim=0).tolist()}."
        )


def _placed(cells: Tensor, lattices: Tensor, positions: Tensor) -> Tensor:
    placed = lattices.clone()
    placed[torch.arange(len(cells), device=cells.device), :, positions[:, 0], positions[:, 1]] = cells
    return placed


def _norms(images: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(images.flatten(start_dim=1), dim=1)
    return norms
