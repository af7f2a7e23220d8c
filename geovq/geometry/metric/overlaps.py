"""Which cells of a lattice meet in the picture, and at which pixels.

Pixels that the same cells can change form a tile. Within a tile every colour belongs to one cell at most, so that the
products of all colours, multiplied with each other pixel by pixel and summed over the tile, are products of columns of
the Jacobian; a block of the lattice metric is the sum over the tiles that its two cells share.
"""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from geovq.geometry.metric.colouring import CellColouring


@dataclass(frozen=True)
class CellOverlaps:
    """Pairs of cells with common pixels, and the tiles that they share.

    Attributes
    ----------
    neighbours : Tensor of shape (L, M)
        Cells whose footprints overlap that of each cell, itself first; a row with fewer than M of them is filled up
        with the cell itself.
    is_pair : Tensor of shape (L, M)
        False where a row is filled up.
    tile_pixels : tuple of Tensors of shape (T_s, s)
        Pixels of the tiles, gathered by their size s.
    pair_order : Tensor of shape (L * M,)
        Rank of every pair when those with most common tiles come first.
    pair_tiles : tuple of Tensors of shape (pairs_r,)
        For the first pairs by that order, those with more than r common tiles, the place of the r-th among the products
        of all tiles, each (T, n_colours, n_colours) flattened. Pairs without any read a last place, T * n_colours^2.
    colouring : CellColouring
    """

    neighbours: Int64[Tensor, "cells m"]
    is_pair: Bool[Tensor, "cells m"]
    tile_pixels: tuple[Int64[Tensor, "tiles pixels"], ...]
    pair_order: Int64[Tensor, " pairs"]
    pair_tiles: tuple[Int64[Tensor, " _"], ...]
    colouring: CellColouring

    @classmethod
    def of(cls, colouring: CellColouring) -> Self:
        """Overlaps of the cells of a colouring."""
        footprints, colours = colouring.footprints.masks, colouring.colours
        tiles, tile_of_pixel = torch.unique(footprints.T, dim=0, return_inverse=True)  # (T, L): cells of every tile
        sizes = torch.bincount(tile_of_pixel, minlength=len(tiles)) * tiles.any(dim=1)
        by_tile = tile_of_pixel.argsort(stable=True)
        starts = torch.bincount(tile_of_pixel, minlength=len(tiles)).cumsum(0) - torch.bincount(tile_of_pixel)
        order, tile_pixels = [], []
        for size in sizes[sizes > 0].unique().tolist():
            of_size = (sizes == size).nonzero().squeeze(1)
            order.append(of_size)
            tile_pixels.append(by_tile[starts[of_size, None] + torch.arange(size, device=starts.device)])
        tiles = tiles[torch.cat(order)]
        neighbours, is_pair = _neighbour_table(tiles)
        pair_order, pair_tiles = _pair_tiles(tiles, neighbours, is_pair, colours, colouring.n_colours)
        return cls(neighbours, is_pair, tuple(tile_pixels), pair_order, pair_tiles, colouring)


def _neighbour_table(tiles: Bool[Tensor, "t cells"]) -> tuple[Tensor, Tensor]:
    """Cells that share a tile with each cell, itself first, and which entries of the table are such cells."""
    overlap = (tiles.T.float() @ tiles.float()) > 0  # (L, L)
    n_cells = len(overlap)
    overlap.fill_diagonal_(True)  # a cell that changes no pixel still has a block, of zeros
    rank = overlap.long() + torch.eye(n_cells, dtype=torch.long, device=overlap.device)
    m = int(overlap.sum(dim=1).max())
    order = rank.argsort(dim=1, descending=True, stable=True)[:, :m]
    is_pair = overlap.gather(1, order)
    return torch.where(is_pair, order, torch.arange(n_cells, device=overlap.device)[:, None]), is_pair


def _pair_tiles(
    tiles: Bool[Tensor, "t cells"], neighbours: Tensor, is_pair: Tensor, colours: Tensor, n_colours: int
) -> tuple[Int64[Tensor, " pairs"], tuple[Int64[Tensor, " _"], ...]]:
    n_cells, m = neighbours.shape
    own, other = torch.arange(n_cells, device=tiles.device).repeat_interleave(m), neighbours.flatten()
    shared = tiles[:, own] & tiles[:, other] & is_pair.flatten()  # (T, pairs)
    n_shared = shared.sum(dim=0)
    by_number = n_shared.argsort(descending=True, stable=True)
    pairs, at_tile = shared.T[by_number].nonzero(as_tuple=True)  # in that order
    n_sorted = n_shared[by_number]
    rank = torch.arange(len(pairs), device=tiles.device) - (n_sorted.cumsum(0) - n_sorted)[pairs]
    colour, other_colour = colours[own][by_number][pairs], colours[other][by_number][pairs]
    place = (at_tile * n_colours + colour) * n_colours + other_colour
    first = tiles.new_full((n_cells * m,), len(tiles) * n_colours**2, dtype=torch.int64)
    first[pairs[rank == 0]] = place[rank == 0]
    later = [place[rank == r] for r in range(1, int(n_shared.max()))]
    return by_number.argsort(), (first, *later)
