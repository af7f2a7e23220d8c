"""Finding out that a training has diverged, without waiting for a GPU at every step."""

import math

import torch
from torch import Tensor, nn

from geovq.config import TrainingConfig
from geovq.errors import DivergedError


class LossWatch:
    """Losses of the steps since the last look.

    To read a number is to wait until the device has computed it; a GPU that is waited for at every step idles while the
    next one is prepared. So losses are kept where they are, and looked at together.

    Parameters
    ----------
    stage : str
        Names the fit in the errors.
    config : TrainingConfig
        What may be lowered.
    n_steps : int
        In the whole fit.
    """

    def __init__(self, stage: str, config: TrainingConfig, n_steps: int) -> None:
        self.stage, self.config, self.n_steps = stage, config, n_steps
        self._unread: list[tuple[int, Tensor]] = []
        self._latest = math.nan

    def add(self, n_done: int, loss: Tensor) -> None:
        """Loss of the step that has `n_done` steps behind it."""
        self._unread.append((n_done, loss.detach()))

    def latest(self) -> float:
        """Last loss; `DivergedError` for the first of those since the last look that is not finite."""
        if self._unread:
            steps, losses = zip(*self._unread, strict=True)
            self._unread.clear()
            for n_done, value in zip(steps, torch.stack(losses).tolist(), strict=True):
                self.require_finite(value, n_done)
                self._latest = value
        return self._latest

    def require_finite(self, loss: float, n_done: int) -> None:
        """Raise `DivergedError` if a loss is NaN or infinite."""
        if not math.isfinite(loss):
            raise self._error(f"the loss became {loss}", n_done)

    def require_finite_weights(self, model: nn.Module, n_done: int) -> None:
        """Raise `DivergedError` if a weight is: the last loss may be finite where its gradient was not."""
        if not bool(torch.stack([parameter.isfinite().all() for parameter in model.parameters()]).all()):
            raise self._error("weights became infinite or NaN", n_done)

    def _error(self, what: str, n_done: int) -> DivergedError:
        rate, clip = self.config.learning_rate, self.config.gradient_clip
        return DivergedError(
            f"{self.stage}: {what} after step {n_done} of {self.n_steps}; "
            f"lower learning_rate (now {rate:g}), or set or lower gradient_clip (now {clip:g}; 0 is off)."
        )
