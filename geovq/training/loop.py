"""The one training loop: epochs of shuffled batches, one-cycle AdamW, checkpoints to resume from.

Every random draw comes from a stream named by the stage and the epoch (order of the examples) or the step (everything
in the loss). So where a run was interrupted leaves no trace in its result: on a CPU, the same bits come out.

Source: Loshchilov, Hutter (2019), "Decoupled Weight Decay Regularization" (AdamW).
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from geovq.errors import ArtifactError, InvalidValueError
from geovq.progress import Progress, Scalar
from geovq.randomness import make_generator
from geovq.training.averaging import WeightAverage
from geovq.training.checkpointing import TrainingState, load_training_state, save_training_state
from geovq.training.divergence import LossWatch
from geovq.training.draws import Draws
from geovq.training.objective import Batch, Examples, Objective, ScheduledObjective
from geovq.training.schedule import one_cycle
from geovq.training.stepper import Stepper

N_TRAIN_ROWS = 200  # rows of training measurements per fit, about
SAVE_EVERY_S = 60.0
GPU_LOOKS_EVERY = 16  # steps between two looks at the losses, which wait for the device


@dataclass(frozen=True)
class TrainingResult:
    """How a fit ended."""

    steps: int  # optimiser steps done, over all sessions
    epochs: int  # epochs finished
    elapsed_s: float  # over all sessions
    validation: dict[str, float]  # measurements of the best epoch so far; empty before the first has ended
    cancelled: bool
    best_epoch: int = 0  # the one with the lowest validation loss, counted from 1; 0 before the first has ended
    stopped_early: bool = False  # the validation loss had not improved for `patience` epochs


class TrainingLoop:
    """One call of `fit`, whose parameters these are."""

    def __init__(
        self,
        stepper: Stepper,
        train: Examples,
        validation: Examples,
        *,
        stage: str,
        seed: int,
        checkpoint: Path,
        progress: Progress,
        after_epoch: Callable[[int], None] | None = None,
    ) -> None:
        config = stepper.config
        self.stepper, self.train, self.validation, self.config = stepper, train, validation, config
        self.stage, self.seed, self.checkpoint, self.progress = stage, seed, checkpoint, progress
        self.after_epoch = after_epoch
        self.processes = stepper.processes
        self.n_batches = math.ceil(len(train) / config.batch_size)  # per epoch
        self.n_steps = config.epochs * self.n_batches
        self.looks_every = _looks_every(stepper.device)
        self.losses = LossWatch(stage, config, self.n_steps)
        self.inputs = {
            **stepper.inputs(),
            "stage": stage,
            "seed": seed,
            "n_train": len(train),
            "n_validation": len(validation),
        }
        objective = stepper.objective
        self.objective_at: Callable[[float], Objective] = (
            objective.at if isinstance(objective, ScheduledObjective) else lambda _: objective
        )
        self.state = load_training_state(checkpoint, stepper.model, stepper.optimizer, self.inputs) or TrainingState()
        self.average: WeightAverage | None = None
        if config.ema_decay > 0:
            self.average = WeightAverage(stepper.model, config.ema_decay, self.state.average)
            self.state.average = self.average.tensors
        self.started_at = time.monotonic() - self.state.elapsed_s
        self.rated_at, self.rated_examples = time.monotonic(), 0  # since when, and how many, for examples per second

    def run(self) -> TrainingResult:
        """Step until the end, until nothing is gained any more, or until asked to stop."""
        self._require_shares()
        self._save()  # at once, so that a folder that cannot be written is reported before anything is computed
        self.progress.start(self.stage, self.n_steps, "steps")
        self.progress.advance(self.state.step)
        for indices in self._remaining_batches():
            if self._asked_to_stop():
                return self._result(cancelled=True)
            self._train(indices)
            if self.state.step % self.n_batches == 0:
                self._validate()
                self._save()
        self.stepper.model.load_state_dict(self.state.best)
        self.stepper.model.eval()
        if self.state.step < self.n_steps:
            self.progress.note(
                f"{self.stage}: stopped after epoch {self._epochs()} of {self.config.epochs}, since the validation "
                f"loss had not improved for {self.config.patience}; the weights of epoch {self.state.best_epoch} are "
                "kept."
            )
        return self._result(cancelled=False)

    def _require_shares(self) -> None:
        n_smallest, n_processes = len(self.train) // self.n_batches, self.processes.size
        if n_smallest < n_processes:
            raise InvalidValueError(
                f"{self.stage}: {n_processes} processes cannot share a batch of {n_smallest}; raise batch_size or "
                "start fewer."
            )
        steps = self.processes.gathered(self.state.step)
        if len(set(steps)) > 1:
            raise ArtifactError(
                f"{self.checkpoint} is at step {' and '.join(map(str, steps))} for the processes that share this "
                "training; put it where all of them read the same file."
            )

    def _remaining_batches(self) -> Iterator[Tensor]:
        first_epoch, n_done = divmod(self.state.step, self.n_batches)
        for epoch in range(first_epoch, self.config.epochs):
            if self._out_of_patience():
                return
            generator = make_generator(self.seed, f"{self.stage}/order/{epoch}")
            order = torch.randperm(len(self.train), generator=generator).to(self.stepper.device)
            # Equal parts: a last batch of a few examples would get a full step for a noisy gradient.
            yield from order.tensor_split(self.n_batches)[n_done:]
            n_done = 0

    def _asked_to_stop(self) -> bool:
        """Whether to stop here; saves the state if so, and also if that was last done a minute ago."""
        if self.state.step % self.looks_every:
            return False
        is_due = time.monotonic() - self.saved_at > SAVE_EVERY_S and self.state.step > self.saved_step
        stop, save = self.processes.agree((self.progress.stop_requested(), is_due))
        if stop or save:
            self._save()
        return stop

    def _train(self, indices: Tensor) -> None:
        step, n_rows = self.state.step, len(indices)

        def rows(part: slice) -> tuple[Batch, Draws]:
            generator = make_generator(self.seed, f"{self.stage}/step/{step}", self.stepper.device)
            return self.train.batch(indices[part]), Draws(generator, part.start, n_rows - part.stop)

        objective = self.objective_at(step / self.n_steps)
        learning_rate = one_cycle(step, self.n_steps, self.config.learning_rate)
        loss, parts = self.stepper.differentiate(rows, n_rows, objective)
        self.losses.add(step, self.processes.mean(loss))
        done = step + 1
        is_row = done % max(1, self.n_steps // N_TRAIN_ROWS) == 0 or done == self.n_steps
        if is_row or done % self.looks_every == 0:
            self.losses.latest()
        self.stepper.descend(learning_rate)
        if self.average is not None:
            self.average.update(done)
        self.state.step = done
        self.rated_examples += n_rows
        self.progress.advance()
        if is_row:
            measured = {name: self.processes.mean(part).item() for name, part in parts.items()}
            self._record(
                "train", self._rate() | {"learning_rate": learning_rate, **measured, "loss": self.losses.latest()}
            )

    def _validate(self) -> None:
        self.losses.latest()  # names the step of a loss that is not finite
        with self.average.in_place() if self.average else nullcontext():
            measured = self.processes.agree(self.stepper.evaluate(self.validation) if self.processes.is_main else {})
            self.losses.require_finite(measured["loss"], self.state.step)
            if measured["loss"] < self.state.validation.get("loss", math.inf):
                self.state.best_epoch, self.state.validation = self._epochs(), measured
                weights = self.stepper.model.state_dict()
                self.state.best = {name: tensor.to("cpu", copy=True) for name, tensor in weights.items()}
            if self.after_epoch is not None:
                self.after_epoch(self._epochs())
        self._record("validation", measured)
        self._rate()  # validation must not count as slow training

    def _out_of_patience(self) -> bool:
        patience = self.config.patience
        return patience is not None and self._epochs() - self.state.best_epoch >= patience

    def _epochs(self) -> int:
        """Epochs that have ended."""
        return self.state.step // self.n_batches

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
        """Write the state, after making sure that it is worth going on from."""
        self.losses.latest()
        self.losses.require_finite_weights(self.stepper.model, self.state.step)
        self.state.elapsed_s = self._elapsed_s()
        if self.processes.is_main:
            save_training_state(self.checkpoint, self.state, self.stepper.model, self.stepper.optimizer, self.inputs)
        self.saved_at, self.saved_step = time.monotonic(), self.state.step

    def _result(self, *, cancelled: bool) -> TrainingResult:
        return TrainingResult(
            self.state.step,
            self._epochs(),
            self._elapsed_s(),
            self.state.validation,
            cancelled,
            self.state.best_epoch,
            stopped_early=not cancelled and self.state.step < self.n_steps,
        )


def _looks_every(device: torch.device) -> int:
    return 1 if device.type == "cpu" else GPU_LOOKS_EVERY
