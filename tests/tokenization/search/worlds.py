"""Small decoders with codebooks, in which joint search can be checked by hand or by trying everything."""

from itertools import product

import torch
from torch import Tensor, nn

from geovq.tokenization import NearestCodeTokenizer
from tests.geometry.decoders import transposed_conv_decoder


def tokenizer_of(n_codes: int, channels: int = 3, scale: float = 0.8) -> NearestCodeTokenizer:
    generator = torch.Generator().manual_seed(11)
    return NearestCodeTokenizer("kmeans", scale * torch.randn(n_codes, channels, generator=generator))


def lattices_of_cells(n: int, height: int, width: int, channels: int = 3, scale: float = 0.8) -> Tensor:
    generator = torch.Generator().manual_seed(12)
    return scale * torch.randn(n, channels, height, width, generator=generator, dtype=torch.float64)


def blurring_decoder(seed: int = 0) -> nn.Module:
    """Footprints of 12 x 12 pixels on a stride of 4, in float64."""
    return transposed_conv_decoder(seed=seed)


def linear_patches(channels: int = 3) -> nn.Module:
    """Each cell paints 4 x 4 pixels of its own, linearly."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.ConvTranspose2d(channels, 1, 4, stride=4).double().eval()


def linear_overlaps(channels: int = 3) -> nn.Module:
    """Linear, with footprints of 8 x 8 pixels on a stride of 4."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.ConvTranspose2d(channels, 1, 8, stride=4, padding=2).double().eval()


@torch.no_grad()
def best_of_all(decoder, codebook: Tensor, image: Tensor, bits: Tensor, bit_price: float, grid: tuple[int, int]):
    """Least objective over every lattice of tokens, and its tokens."""
    n_cells = grid[0] * grid[1]
    tokens = torch.tensor(list(product(range(len(codebook)), repeat=n_cells)))  # (K^L, L)
    lattices = codebook.double()[tokens].mT.reshape(len(tokens), -1, *grid)
    errors = (decoder(lattices) - image).square().flatten(1).sum(1)
    objective = errors + bit_price * bits.double()[tokens].sum(1)
    best = objective.argmin()
    return float(objective[best]), tokens[best].reshape(grid)
