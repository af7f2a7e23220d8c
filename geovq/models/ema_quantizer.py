"""Vector quantization with a codebook of exponential moving averages.

Each code is the running mean of the encoder outputs that chose it, so the codebook needs no gradient. Two things keep
codes from dying: k-means, and a restart at a current encoder output of any code that hardly anything chooses. An
untrained encoder has no clusters worth finding, so the first steps pass its outputs on unquantized while k-means starts
again and again. All state is in buffers, all draws come from the caller's generator. Processes that share a batch move
one codebook: by the cells of all of them.

Sources: van den Oord, Vinyals, Kavukcuoglu (2017), "Neural Discrete Representation Learning", appendix A.1 (moving
averages); Razavi, van den Oord, Vinyals (2019), "Generating Diverse High-Fidelity Images with VQ-VAE-2" (Laplace
smoothing); Lancucki et al. (2020), "Robust Training of Vector Quantized Bottleneck Models" (k-means start, restarts).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.errors import InvalidValueError
from geovq.lattice import cells_of
from geovq.models.quantizer import (
    Quantized,
    Quantizer,
    nearest_codes,
    require_sizes,
    squared_distance,
    straight_through,
)
from geovq.models.shared_batch import all_rows, total

SMOOTHING = 1e-5  # observations added to every code, so that an empty one never divides by zero
N_LLOYD_STEPS = 10
# Training steps that do not quantize. Measured on MNIST (20,000 images, 3 epochs, K = 64, one seed), test MSE: 0.0093
# without them, 0.0056 with them, 0.0067 if the commitment already pulls meanwhile.
N_WARM_UP_STEPS = 128


class EMAQuantizer(Quantizer):
    """Nearest-code quantizer whose codes are moving averages.

    Parameters
    ----------
    n_codes : int
        Codes K. With fewer cells in the first batch than codes, some start equal and restart when they are found idle.
    n_channels : int
        Channels D of a cell.
    decay : float
        Weight of the past in the moving averages, per training step.
    restart_below : float
        A code restarts when its average number of cells per step is below this share of the mean over all codes.
    """

    counts: Tensor
    sums: Tensor
    n_steps: Tensor

    def __init__(self, n_codes: int, n_channels: int, *, decay: float, restart_below: float) -> None:
        super().__init__()
        require_sizes(n_codes, n_channels)
        self.decay = decay
        self.restart_below = restart_below
        self.register_buffer("codebook", torch.zeros(n_codes, n_channels))  # (K, D)
        self.register_buffer("counts", torch.zeros(n_codes))  # moving average of cells per step
        self.register_buffer("sums", torch.zeros(n_codes, n_channels))  # moving average of their sum
        self.register_buffer("n_steps", torch.zeros((), dtype=torch.int64))  # training steps seen

    def forward(self, features: Float[Tensor, "B D H W"], generator: torch.Generator | None = None) -> Quantized:
        """Quantize; in training mode also move the codebook.

        Parameters
        ----------
        features : Tensor of shape (B, D, H, W)
            Encoder outputs.
        generator : torch.Generator, optional
            Source of the k-means start and of restarts, on the device of the features; needed in training mode only.

        Raises
        ------
        InvalidValueError
            If the module trains without a generator.
        """
        lattices = features.float()
        if not self.training:
            return self._quantized(lattices)
        if generator is None:
            raise InvalidValueError("A quantizer in training mode needs a generator; pass one or call eval().")
        step, cells = int(self.n_steps), cells_of(lattices.detach())
        everyones = all_rows(cells)  # with the same draws in every process: the codebooks stay the same
        if step <= N_WARM_UP_STEPS and step & (step - 1) == 0:  # 0, 1, 2, 4, ...: often while much changes
            self._start(everyones, generator)
        quantized = self._quantized(lattices)
        self._move(cells, quantized.tokens.flatten())
        self._restart_idle(everyones, generator)
        self._renew_codebook()
        self.n_steps.add_(1)
        if step < N_WARM_UP_STEPS:
            return quantized._replace(lattices=lattices, commitment=quantized.commitment.detach())
        return quantized

    def _quantized(self, lattices: Tensor) -> Quantized:
        tokens = self.encode(lattices.detach())
        codes = self.lookup(tokens)  # (B, D, H, W)
        distance = squared_distance(lattices, codes)
        return Quantized(straight_through(lattices, codes), tokens, distance, codebook_loss=torch.zeros_like(distance))

    @torch.no_grad()
    def _start(self, cells: Tensor, generator: torch.Generator) -> None:
        centers, counts = kmeans_start(cells, len(self.codebook), generator)
        self.codebook.copy_(centers)
        self.counts.copy_(counts)
        self.sums.copy_(centers * counts[:, None])

    @torch.no_grad()
    def _move(self, cells: Tensor, tokens: Tensor) -> None:
        counts, sums = map(total, _totals(cells, tokens, len(self.codebook)))
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)

    @torch.no_grad()
    def _restart_idle(self, cells: Tensor, generator: torch.Generator) -> None:
        fair_share = self.counts.mean()
        idle = self.counts < self.restart_below * fair_share  # (K,)
        # One draw per code, used or not: the stream does not depend on how many restart.
        drawn = cells[torch.randint(len(cells), idle.shape, generator=generator, device=cells.device)]  # (K, D)
        # A fair share of imagined cells, or the code would be idle again at the next step.
        self.counts.copy_(torch.where(idle, fair_share, self.counts))
        self.sums.copy_(torch.where(idle[:, None], drawn * fair_share, self.sums))

    @torch.no_grad()
    def _renew_codebook(self) -> None:
        n_cells = self.counts.sum()
        smoothed = (self.counts + SMOOTHING) / (n_cells + len(self.counts) * SMOOTHING) * n_cells
        self.codebook.copy_(self.sums / smoothed[:, None])


def kmeans_start(
    cells: Float[Tensor, "n D"], n_codes: int, generator: torch.Generator
) -> tuple[Float[Tensor, "K D"], Float[Tensor, " K"]]:
    """Centres and their numbers of cells after a few Lloyd steps from randomly chosen cells.

    With fewer cells than codes, cells are used more than once, and all but the first copy get no cells.
    """
    order = torch.randperm(len(cells), generator=generator, device=cells.device)
    centers = cells[order[torch.arange(n_codes, device=cells.device) % len(cells)]]  # (K, D)
    for _ in range(N_LLOYD_STEPS):
        counts, sums = _totals(cells, nearest_codes(cells, centers), n_codes)
        centers = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], centers)
    counts, _ = _totals(cells, nearest_codes(cells, centers), n_codes)
    return centers, counts


def _totals(cells: Tensor, tokens: Tensor, n_codes: int) -> tuple[Tensor, Tensor]:
    """Number and sum of the cells of each code, (K,) and (K, D)."""
    counts = torch.bincount(tokens, minlength=n_codes).to(cells.dtype)
    return counts, cells.new_zeros(n_codes, cells.shape[1]).index_add_(0, tokens, cells)
