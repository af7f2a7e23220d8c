"""Reconstructions of a few held-out images after an epoch, kept so that a training can be watched.

One small file per epoch, renamed into place when it is whole, so that a reader never sees a part of one. They belong to
no stage, like metrics.jsonl: nothing is made from them, and a shipped run has none.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from geovq.arrays import FloatArray
from geovq.artifacts import read_safetensors, write_safetensors
from geovq.models import LatticeVAE, LatticeVQVAE

SNAPSHOT_FOLDER = "snapshots"
N_IMAGES = 8  # the first held-out ones
MOST_SNAPSHOTS = 60  # of one training, about: 10 KB each with 16 channels
KIND, FORMAT = "snapshot", 1


@dataclass(frozen=True)
class Snapshot:
    """Some held-out images after one epoch.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    images, decoded : arrays of shape (n, h, w)
        Originals and reconstructions, grey values from 0 to 255.
    lattices : array of shape (n, D, H, W)
        Encoded images; of a VAE the posterior means.
    """

    epoch: int
    images: UInt8[npt.NDArray[np.uint8], "n rows columns"]
    decoded: UInt8[npt.NDArray[np.uint8], "n rows columns"]
    lattices: Float[FloatArray, "n d h w"]

    @property
    def mse(self) -> float:
        """Mean squared difference between originals and reconstructions; white is 1."""
        return float(np.mean(np.square((self.images / 255.0) - (self.decoded / 255.0))))

    def strongest_channels(self, n_channels: int) -> tuple[int, ...]:
        """Channels whose cells vary most over images and places, the strongest first."""
        variances = self.lattices.var(axis=(0, 2, 3))
        return tuple(np.argsort(-variances, kind="stable")[:n_channels].tolist())


def snapshots(
    run_path: Path,
    stage: str,
    model: LatticeVAE | LatticeVQVAE,
    images: Float[Tensor, "n C h w"],
    n_epochs: int,
) -> Callable[[int], None]:
    """Function that takes a snapshot after an epoch: after the first, the last, and evenly spread ones between.

    Parameters
    ----------
    run_path : Path
    stage : str
        Training that `model` is in.
    model : LatticeVAE or LatticeVQVAE
        In eval mode, with the weights of the epoch, whenever the function is called.
    images : Tensor of shape (n, C, h, w)
        On the device of the model.
    n_epochs : int
        The most that the training takes.
    """
    every = -(-n_epochs // MOST_SNAPSHOTS)

    @torch.no_grad()
    def take(epoch: int) -> None:
        for later in snapshot_epochs(run_path, stage):
            if later > epoch:  # left by a training of other inputs
                snapshot_file(run_path, stage, later).unlink(missing_ok=True)
        if epoch not in (1, n_epochs) and epoch % every:
            return
        tensors = {
            "images": (images[:, 0] * 255).round().byte(),
            "decoded": (model(images)[:, 0] * 255).round().byte(),
            "lattices": model.encode(images).half(),
        }
        write_safetensors(snapshot_file(run_path, stage, epoch), tensors, kind=KIND, format=FORMAT)

    return take


def snapshot_epochs(run_path: Path, stage: str) -> tuple[int, ...]:
    """Epochs of a training of which there are snapshots, from the first."""
    pattern = re.compile(re.escape(stage) + r"-(\d+)\.safetensors")
    names = (pattern.fullmatch(path.name) for path in (run_path / SNAPSHOT_FOLDER).glob("*.safetensors"))
    return tuple(sorted(int(name[1]) for name in names if name))


def read_snapshot(run_path: Path, stage: str, epoch: int) -> Snapshot:
    """One snapshot.

    Raises
    ------
    ArtifactError
        If it is missing or damaged.
    """
    remedy = "delete it: nothing but this view needs it"
    tensors, _ = read_safetensors(snapshot_file(run_path, stage, epoch), KIND, FORMAT, remedy=remedy)
    return Snapshot(epoch, tensors["images"].numpy(), tensors["decoded"].numpy(), tensors["lattices"].float().numpy())


def snapshot_file(run_path: Path, stage: str, epoch: int) -> Path:
    """Where the snapshot of an epoch is kept."""
    return run_path / SNAPSHOT_FOLDER / f"{stage}-{epoch:05d}.safetensors"
