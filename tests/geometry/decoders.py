"""Small decoders whose geometry is known or can be brute-forced."""

import torch
from torch import Tensor, nn


def transposed_conv_decoder(channels: int = 3, seed: int = 0) -> nn.Module:
    """Two doublings and a 3x3 convolution: footprint 12 x 12, like the trained decoder."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = nn.Sequential(
            nn.Conv2d(channels, 6, 1),
            nn.SiLU(),
            nn.ConvTranspose2d(6, 5, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.ConvTranspose2d(5, 4, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(4, 1, 3, padding=1),
            nn.Sigmoid(),
        )
    return layers.double().eval()


def strided_decoder(stride: int, kernel: int, channels: int = 3, seed: int = 4) -> nn.Module:
    """Two output channels, kernel x kernel footprints, stride pixels apart."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = nn.Sequential(
            nn.Conv2d(channels, 4, 1), nn.Tanh(), nn.ConvTranspose2d(4, 2, kernel, stride=stride), nn.Sigmoid()
        )
    return layers.double().eval()


def patch_decoder(channels: int = 3, seed: int = 1) -> nn.Module:
    """Each cell paints its own 4 x 4 patch: one colour."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = nn.Sequential(nn.ConvTranspose2d(channels, 2, 4, stride=4), nn.Tanh(), nn.Conv2d(2, 2, 1))
    return layers.double().eval()


class GlobalDecoder(nn.Module):
    """Every cell changes every pixel: one colour per cell."""

    def __init__(self, channels: int = 3, size: int = 4, seed: int = 2) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.map = nn.Sequential(
                nn.Flatten(), nn.Linear(channels * size * size, 20), nn.Tanh(), nn.Linear(20, 30)
            ).double()

    def forward(self, lattices: Tensor) -> Tensor:
        return self.map(lattices)


class SmallMemory(nn.Module):
    """A decoder on a device that holds `capacity` lattices; `n_refused` counts what did not fit."""

    def __init__(self, decoder: nn.Module, capacity: int) -> None:
        super().__init__()
        self.decoder, self.capacity, self.n_refused = decoder, capacity, 0
        self.eval()

    def forward(self, lattices: Tensor) -> Tensor:
        if len(lattices) > self.capacity:
            self.n_refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.decoder(lattices)
