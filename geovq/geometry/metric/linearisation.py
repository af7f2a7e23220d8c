"""A decoder's linear approximation at many lattices: f(q + d) = f(q) + J d, with J in compressed form.

J has one column for each cell and active direction, but a pixel answers to few cells: the columns of one colour are
disjoint and share an image. What is kept is that image for each colour and direction, (n, n_colours, A, P).
"""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.catalogue.output_geometries import PIXEL, OutputGeometry
from geovq.chunks import memory_budget
from geovq.geometry.metric.cell_products import CellProducts
from geovq.geometry.metric.colouring import CellColouring
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.forward_mode import pushforwards, require_finite_products
from geovq.geometry.metric.layer_products import known_layers
from geovq.geometry.metric.overlaps import CellOverlaps

_FLOATS_PER_PIXEL = 64  # that a decoder holds at once: 16 channels at the image's resolution, four such layers
_CPU_BYTES = 32 * 2**20  # keeps the layers of a pass in the caches
_CPU_BYTES_BY_LAYERS = 24 * 2**20  # a quarter faster than 32 in float32: windows hold less, but several live at once
_MOST_BYTES = 2 * 2**30  # keeps a GPU busy, and its layers far below the 2^31 elements that kernels can index
_CPU_CHUNK_BYTES = 256 * 2**20  # of products of all colours and their products with each other
_MOST_CHUNK_BYTES = 8 * 2**30
_ROUNDING = 1e-3  # of the products by layers against those of the whole decoder, both in float32


@dataclass(frozen=True)
class LinearisationPlan:
    """What all lattices of one decoder and one basis share.

    Attributes
    ----------
    colouring : CellColouring
    basis : Tensor of shape (D, A)
        Of the type and on the device of the lattices.
    geometry : OutputGeometry
    in_bfloat16 : bool
        Whether products are computed in bfloat16 (autocast), with an error of about 1 %.
    cells : CellProducts, optional
        Where the decoder can be differentiated layer by layer; by the whole decoder otherwise.
    overlaps : CellOverlaps
    """

    colouring: CellColouring
    basis: Float[Tensor, "d a"]
    geometry: OutputGeometry = PIXEL
    in_bfloat16: bool = False
    cells: CellProducts | None = None
    overlaps: CellOverlaps = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "overlaps", CellOverlaps.of(self.colouring))

    @torch.no_grad()
    def for_layers_of(self, decoder: Decode, lattice: Float[Tensor, "d h w"]) -> "LinearisationPlan":
        """The same plan by the layers of a decoder, if it names them and at this lattice their products are its own."""
        layers = known_layers(decoder)
        if layers is None or not self.colouring.summary().is_local:
            return self
        cells = CellProducts.of(layers, lattice, self.basis, self.colouring)
        if cells is None:
            return self
        means, columns = _coloured(decoder, lattice[None], replace(self, in_bfloat16=False))
        by_layers = cells.columns(lattice[None], self.basis, lattice.dtype)
        for found, expected in zip(by_layers, (means, columns), strict=True):
            if not torch.linalg.vector_norm(found - expected) <= _ROUNDING * torch.linalg.vector_norm(expected):
                return self
        return replace(self, cells=cells)

    @property
    def n_products(self) -> int:
        """Jacobian-vector products per lattice."""
        return self.colouring.n_colours * self.basis.shape[1]

    @property
    def n_pixels(self) -> int:
        """Numbers P of one decoded image."""
        return self.colouring.footprints.masks.shape[1]

    def chunk_size(self, lattices: Float[Tensor, "n d h w"]) -> int:
        """Lattices whose linearisation and blocks fit into memory together."""
        pixels = self.n_products * self.n_pixels
        grams = self.n_products**2 * sum(len(tiles) for tiles in self.overlaps.tile_pixels)
        blocks = self.overlaps.neighbours.numel() * self.basis.shape[1] ** 2
        bytes_per_lattice = lattices.element_size() * (3 * pixels + 2 * grams + 2 * blocks)
        budget = min(_MOST_CHUNK_BYTES, memory_budget(lattices.device, _CPU_CHUNK_BYTES))
        return max(1, budget // bytes_per_lattice)


@dataclass(frozen=True)
class Linearisation:
    """f(q) and J at a batch of lattices q.

    Attributes
    ----------
    means : Tensor of shape (n, P)
        f(q).
    pushed : Tensor of shape (n, n_colours, A, P)
        Columns of J, each multiplied with `weight` where there is one; those of one colour share an image.
    weight : Tensor of shape (n, P), optional
        Factor of every pixel in the output geometry; none for `pixel`.
    plan : LinearisationPlan
    """

    means: Float[Tensor, "n p"]
    pushed: Float[Tensor, "n c a p"]
    weight: Float[Tensor, "n p"] | None
    plan: LinearisationPlan

    def blocks(self) -> Float[Tensor, "n cells m a a"]:
        """Blocks of J^T J for the pairs of `plan.overlaps`."""
        n, n_colours, a, _ = self.pushed.shape
        overlaps = self.plan.overlaps
        grams = []
        for pixels in overlaps.tile_pixels:  # (T_s, s)
            tiles = self.pushed[..., pixels].permute(0, 3, 1, 2, 4).flatten(2, 3)  # (n, T_s, n_colours * A, s)
            gram = tiles @ tiles.mT
            by_colours = gram.reshape(n, -1, n_colours, a, n_colours, a).transpose(3, 4)
            grams.append(by_colours.reshape(n, -1, a * a))
        summands = torch.cat([*grams, self.pushed.new_zeros(n, 1, a * a)], dim=1)  # (n, T * n_colours^2 + 1, A^2)
        blocks = summands[:, overlaps.pair_tiles[0]]
        for places in overlaps.pair_tiles[1:]:
            blocks[:, : len(places)] += summands[:, places]
        return blocks[:, overlaps.pair_order].reshape(n, *overlaps.neighbours.shape, a, a)

    def pull(self, residuals: Float[Tensor, "n p"]) -> Float[Tensor, "n cells a"]:
        """J^T r, in the output geometry."""
        colouring = self.plan.colouring
        if self.weight is not None:
            residuals = residuals * self.weight
        pulled = self.pushed.new_empty(len(residuals), len(colouring.colours), self.pushed.shape[2])
        for colour in range(colouring.n_colours):
            cells = (colouring.colours == colour).nonzero().squeeze(1)
            owners = colouring.footprints.masks[cells].to(residuals.dtype).T  # (P, cells of this colour)
            pulled[:, cells] = ((self.pushed[:, colour] * residuals[:, None]) @ owners).mT
        return pulled


@torch.no_grad()
def linearise(decoder: Decode, lattices: Float[Tensor, "n d h w"], plan: LinearisationPlan) -> Linearisation:
    """Linear approximation of a decoder at each of a few lattices.

    Raises
    ------
    NonFiniteError
        If the decoder's output or its derivative contain NaN or infinity.
    InvalidValueError
        If pixels are not in [0, 1] where `bernoulli` needs it.
    """
    n_rows = _rows_per_pass(plan, lattices)
    means, pushed = [], []
    for part in torch.split(lattices, max(1, n_rows // plan.n_products)):
        if plan.cells is None:
            images, moved = _coloured(decoder, part, plan)
        else:
            images, moved = plan.cells.columns(part, plan.basis, torch.bfloat16 if plan.in_bfloat16 else part.dtype)
        means.append(images)
        pushed.append(moved)
    f, columns = torch.cat(means), torch.cat(pushed)
    require_finite_products(f, columns)
    weight = None if plan.geometry.weight is None else plan.geometry.weight(f)
    if weight is not None:
        columns = columns * weight[:, None]
    return Linearisation(f, columns.reshape(len(f), plan.colouring.n_colours, -1, plan.n_pixels), weight, plan)


def _rows_per_pass(plan: LinearisationPlan, lattices: Tensor) -> int:
    bytes_per_row = lattices.element_size() * _FLOATS_PER_PIXEL * plan.n_pixels
    cpu_bytes = _CPU_BYTES if plan.cells is None else _CPU_BYTES_BY_LAYERS
    return max(1, min(_MOST_BYTES, memory_budget(lattices.device, cpu_bytes)) // bytes_per_row)


def _coloured(decoder: Decode, lattices: Tensor, plan: LinearisationPlan) -> tuple[Tensor, Tensor]:
    """Decoded lattices (n, P), and products of the whole decoder, colour by colour, (n, n_colours * A, P)."""
    decoder = _in_bfloat16(decoder) if plan.in_bfloat16 else decoder
    parts = []
    for tangents in torch.split(_directions(plan, lattices), max(1, _rows_per_pass(plan, lattices) // len(lattices))):
        images, moved = pushforwards(decoder, lattices, tangents[:, None].expand(-1, *lattices.shape))
        parts.append(moved.flatten(start_dim=2))
    return images.flatten(start_dim=1), torch.cat(parts).transpose(0, 1)


def _directions(plan: LinearisationPlan, lattices: Tensor) -> Float[Tensor, "t d h w"]:
    """Each active direction placed at all cells of a colour, colour by colour."""
    _, channels, height, width = lattices.shape
    n_colours, n_active = plan.colouring.n_colours, plan.basis.shape[1]
    directions = lattices.new_zeros(n_colours, n_active, channels, height * width)
    of_colour = plan.colouring.colours == torch.arange(n_colours, device=lattices.device)[:, None]  # (n_colours, L)
    directions += plan.basis.T[None, :, :, None] * of_colour[:, None, None].to(lattices.dtype)
    return directions.reshape(n_colours * n_active, channels, height, width)


def _in_bfloat16(decoder: Decode) -> Decode:
    def decode(lattices: Tensor) -> Tensor:
        with torch.autocast(lattices.device.type, torch.bfloat16):
            return decoder(lattices).to(lattices.dtype)

    return decode
