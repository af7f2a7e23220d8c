"""Training a model: the one entry to the loop."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from geovq.config import TrainingConfig
from geovq.errors import InvalidValueError
from geovq.progress import Progress, SilentProgress
from geovq.training.device import resolve_device, training_numerics
from geovq.training.distributed import Alone, Processes
from geovq.training.loop import TrainingLoop, TrainingResult
from geovq.training.memory import freed_memory_kept
from geovq.training.objective import Examples, Objective
from geovq.training.stepper import Stepper


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
    processes: Processes | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> TrainingResult:
    """Train a model in place, from `checkpoint` on if that exists.

    Parameters
    ----------
    model : Module
        Moved to `device`, and left there in eval mode with the weights of its best epoch, the one with the lowest
        validation loss; with `ema_decay`, these are the averaged weights. If cancelled, with its last weights.
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
        State of the training, last and best weights, written at the start, about once a minute, after each epoch and
        on a stop. Never deleted.
    progress : Progress, optional
        Gets about 200 rows of split "train" (means over one batch) and one row of split "validation" per epoch.
        Rows between the last checkpoint and an interruption come again, with the same values, after resuming.
        Asked at every step whether to stop; on a GPU at every 16th, since each time the losses so far are waited for.
    processes : Processes, optional
        Those that call this with the same arguments at the same time, and share every batch; default this one alone.
        Only the main one reports and writes; all read `checkpoint`. Up to rounding the result is that of one process,
        except for what an objective takes over the examples of a process: dropout and free bits.
    after_epoch : callable, optional
        Called by the main process with each epoch that ends, counted from 1, while `model` is in eval mode with the
        weights that were validated. It must not change the model, which is trained on from there.

    Returns
    -------
    TrainingResult
        `cancelled` if `progress` asked to stop; calling `fit` again goes on.

    Raises
    ------
    DivergedError
        If the loss or a weight is not finite; the last checkpoint is from before.
    ArtifactError
        If the checkpoint cannot be written, is damaged, or belongs to another model, configuration, data size or seed.
    DeviceError
        If the device does not exist, or runs out of memory even with batches in two halves.
    """
    if not (len(train) and len(validation)):
        raise InvalidValueError(
            f"{stage}: training and validation need at least one example each; got {len(train)} and {len(validation)}."
        )
    processes, device = processes or Alone(), resolve_device(str(device))
    listener = progress if progress is not None and processes.is_main else SilentProgress()
    stepper = Stepper(
        model, objective, config, device, processes, lambda sentence: listener.note(f"{stage}: {sentence}")
    )
    loop = TrainingLoop(
        stepper,
        train,
        validation,
        stage=stage,
        seed=seed,
        checkpoint=checkpoint,
        progress=listener,
        after_epoch=after_epoch if processes.is_main else None,
    )
    with training_numerics(device), freed_memory_kept():
        return loop.run()
