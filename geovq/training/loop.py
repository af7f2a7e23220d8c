"""The one training loop: epochs of shuffled batches, one-cycle AdamW, checkpoints to resume from.

Every random draw comes from a stream named by the stage and the epoch (order of the examples) or the step (everything
in the loss). So where a run was interrupted leaves no trace in its result: on a CPU, the same bits come out.

Source: Loshchilov, Hutter (2019), "Decoupled Weight Decay Regularization" (AdamW).
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from geovq.config import TrainingConfig
from geovq.errors import DivergedError, InvalidValueError
from geovq.progress import Progress, Scalar, SilentProgress
from geovq.randomness import make_generator
from geovq.training.checkpointing import TrainingState, load_training_state, save_training_state
from geovq.training.device import resolve_device
from geovq.training.objective import Examples, Objective
from geovq.training.schedule import one_cycle
from geovq.training.stepper import Stepper

N_TRAIN_ROWS = 200  # rows of training measurements per fit, about
SAVE_EVERY_S = 60.0


@dataclass(frozen=True)
class TrainingResult:
    """How a fit ended."""

    steps: int  # optimiser steps done, over all sessions
    epochs: int  # epochs finished
    elapsed_s: float  # over all sessions
    validation: dict[str, float]  # measurements after the last finished epoch; empty before the first
    cancelled: bool


def fit(
    model: nn.Module,
    objective: Objective,
    train: Examples,
    validation: Examples,
    config: TrainingConfig,
    *,
    stage: str,
    seed: int,
    device: str | torch.device,
    checkpoint: Path,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train a model in place, from `checkpoint` on if that exists.

    Parameters
    ----------
    model : Module
        Moved to `device`, and left there in eval mode.
    objective : Objective
    train, validation : Examples
        Held on `device`, or copied to it batch by batch.
    config : TrainingConfig
    stage : str
        Names this fit: in the rows it records, in its random streams, in its errors.
    seed : int
        Root of the random streams.
    device : str or torch.device
        As for `resolve_device`.
    checkpoint : Path
        State of the training, written at the start, about once a minute, after each epoch and on a stop. Never deleted.
    progress : Progress, optional
        Gets about 200 rows of split "train" (means over one batch) and one row of split "validation" per epoch.
        Rows between the last checkpoint and an interruption come again, with the same values, after resuming.

    Returns
    -------
    TrainingResult
        `cancelled` if `progress` asked to stop; calling `fit` again goes on.

    Raises
    ------
    DivergedError
        If the loss is not finite; the last checkpoint is from before.
    ArtifactError
        If the checkpoint cannot be written, is damaged, or belongs to another model, configuration, data size or seed.
    DeviceError
        If the device does not exist or runs out of memory.
    """
    if not (len(train) and len(validation)):
        raise InvalidValueError(
            f"{stage}: training and validation need at least one example each; got {len(train)} and {len(validation)}."
        )
    return _Session(
        Stepper(model, objective, config, resolve_device(str(device))),
        train,
        validation,
        config,
        stage=stage,
        seed=seed,
        checkpoint=checkpoint,
        progress=progress or SilentProgress(),
    ).run()


class _Session:
    """One call of `fit`."""

    def __init__(
        self,
        stepper: Stepper,
        train: Examples,
        validation: Examples,
        config: TrainingConfig,
        *,
        stage: str,
        seed: int,
        checkpoint: Path,
        progress: Progress,
    ) -> None:
        self.stepper, self.train, self.validation, self.config = stepper, train, validation, config
        self.stage, self.seed, self.checkpoint, self.progress = stage, seed, checkpoint, progress
        self.n_batches = math.ceil(len(train) / config.batch_size)  # per epoch
        self.n_steps = config.epochs * self.n_batches
        self.inputs = {
            **stepper.inputs(),
            **{f"training.{name}": value for name, value in config.model_dump().items()},
            "stage": stage,
            "seed": seed,
            "n_train": len(train),
            "n_validation": len(validation),
        }
        self.state = load_training_state(checkpoint, stepper.model, stepper.optimizer, self.inputs) or TrainingState()
        self.started_at = time.monotonic() - self.state.elapsed_s
        self.rated_at, self.rated_examples = time.monotonic(), 0  # since when, and how many, for examples per second

    def run(self) -> TrainingResult:
        """Step until the end or until asked to stop."""
        self._save()  # at once: better to learn now than in a minute that the folder is read-only
        self.progress.start(self.stage, self.n_steps, "steps")
        self.progress.advance(self.state.step)
        for batch in self._remaining_batches():
            if self.progress.stop_requested():
                self._save()
                return self._result(cancelled=True)
            self._train(batch)
            if self.state.step % self.n_batches == 0:
                self._validate()
                self._save()
            elif time.monotonic() - self.saved_at > SAVE_EVERY_S:
                self._save()
        self.stepper.model.eval()
        return self._result(cancelled=False)

    def _remaining_batches(self) -> Iterator[Tensor]:
        first_epoch, n_done = divmod(self.state.step, self.n_batches)
        for epoch in range(first_epoch, self.config.epochs):
            generator = make_generator(self.seed, f"{self.stage}/order/{epoch}")
            order = torch.randperm(len(self.train), generator=generator)
            # Equal parts: a last batch of a few examples would get a full step for a noisy gradient.
            for indices in order.tensor_split(self.n_batches)[n_done:]:
                yield self.train.batch(indices)
            n_done = 0

    def _train(self, batch: Tensor) -> None:
        step, peak = self.state.step, self.config.learning_rate
        learning_rate = one_cycle(step, self.n_steps, peak)
        generator = make_generator(self.seed, f"{self.stage}/step/{step}", self.stepper.device)
        loss, parts = self.stepper.loss(batch, generator)
        value = self._finite(loss.item())
        self.stepper.descend(loss, learning_rate)
        self.state.step += 1
        self.rated_examples += len(batch)
        self.progress.advance()
        if self.state.step % max(1, self.n_steps // N_TRAIN_ROWS) == 0 or self.state.step == self.n_steps:
            measured = {name: part.item() for name, part in parts.items()}
            self._record("train", self._rate() | {"learning_rate": learning_rate, **measured, "loss": value})

    def _validate(self) -> None:
        parts = torch.split(torch.arange(len(self.validation)), self.config.batch_size)
        measured = self.stepper.evaluate(self.validation.batch(indices) for indices in parts)
        self._finite(measured["loss"])
        self.state.validation = measured
        self._record("validation", measured)
        self._rate()  # validation must not count as slow training

    def _finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            rate, clip = self.config.learning_rate, self.config.gradient_clip
            raise DivergedError(
                f"{self.stage}: the loss became {loss} after step {self.state.step} of {self.n_steps}; "
                f"lower learning_rate (now {rate:g}), or set or lower gradient_clip (now {clip:g}; 0 is off)."
            )
        return loss

    def _rate(self) -> dict[str, Scalar]:
        now = time.monotonic()
        rate = self.rated_examples / max(now - self.rated_at, 1e-9)
        self.rated_at, self.rated_examples = now, 0
        return {"examples_per_s": rate}

    def _record(self, split: str, measured: Mapping[str, Scalar]) -> None:
        epoch = math.ceil(self.state.step / self.n_batches)  # counted from 1
        row: dict[str, Scalar] = {
            "stage": self.stage,
            "split": split,
            "step": self.state.step,
            "epoch": epoch,
            "n_steps": self.n_steps,
            "elapsed_s": self._elapsed_s(),
        }
        self.progress.record(row | dict(measured))

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.started_at

    def _save(self) -> None:
        self.state.elapsed_s = self._elapsed_s()
        save_training_state(self.checkpoint, self.state, self.stepper.model, self.stepper.optimizer, self.inputs)
        self.saved_at = time.monotonic()

    def _result(self, *, cancelled: bool) -> TrainingResult:
        epochs = self.state.step // self.n_batches
        return TrainingResult(self.state.step, epochs, self._elapsed_s(), self.state.validation, cancelled)
