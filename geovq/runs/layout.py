"""Names of the files of a run, and where runs live."""

import shlex
from pathlib import Path

from geovq.bundle import bundled, restoring
from geovq.environment import folder_named_by

CONFIG_FILE = "config.yaml"
MANIFEST_FILE = "manifest.json"
RESUME_FOLDER = ".resume"  # training states of stages that are not finished
SHIPPED_ROOT = bundled("checkpoints")


def outputs_root() -> Path:
    """Folder of own runs: GEOVQ_OUTPUTS, default `outputs/` in the current folder."""
    return folder_named_by("GEOVQ_OUTPUTS", "outputs").resolve()


def is_shipped(run_path: str | Path) -> bool:
    """Whether a run came with geovq; such runs are read-only."""
    return Path(run_path).resolve().is_relative_to(SHIPPED_ROOT)


def command(run_path: Path, target: str = "run") -> str:
    """Command line that makes a run, or a part of it, as far as it is not made yet."""
    return f"python -m geovq {target} {shlex.quote(str(run_path))}"


def remedy(run_path: Path, file: str) -> str:
    """How to get a file of a run back, as the end of an error message."""
    if is_shipped(run_path):
        return restoring(run_path / file)
    return f"`{command(run_path)}` makes it again"


def model_file(name: str) -> str:
    """An autoencoder: "vae", or the name of a tokenizer that is trained end to end."""
    return f"{name}.safetensors"


GEOMETRY_FILE = "geometry.safetensors"


def tokenizer_file(name: str) -> str:
    """A tokenizer of a run."""
    return f"tokenizers/{name}.safetensors"


def tokens_file(name: str) -> str:
    """Tokens of the training and test split, arrays "train" and "test"."""
    return f"tokens/{name}.npz"


def tokens_before_refit_file(name: str) -> str:
    """Tokens that a decoder was refitted to, where tokens were chosen again with that decoder; as in `tokens_file`."""
    return f"tokens/{name}.before-refit.npz"


def decoder_file(name: str) -> str:
    """The copy of the decoder that was refitted to a tokenizer's codes."""
    return f"decoders/{name}.safetensors"


def prior_file(name: str) -> str:
    """The prior over a tokenizer's tokens."""
    return f"priors/{name}.safetensors"


def samples_file(name: str) -> str:
    """What the prior drew: arrays "tokens" and "images"."""
    return f"samples/{name}.npz"


def evaluation_file(name: str) -> str:
    """Measurements of an autoencoder or a tokenizer."""
    return f"evaluation/{name}.json"
