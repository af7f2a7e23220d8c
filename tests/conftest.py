"""What tests of several parts share: checked shapes, one thread, and one small run that is trained once per session."""

import os
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from tests import annotated_shapes

annotated_shapes.watch("geovq")

from geovq.config import ExperimentConfig, parse_config  # noqa: E402  (imported checked)
from geovq.runs.worker import work_on_run  # noqa: E402

settings.register_profile("any machine", deadline=None)  # a busy one needs seconds for an example
settings.load_profile("any machine")
torch.set_num_threads(1)  # tiny models gain nothing from threads, and lose much where others want the cores

_PARALLEL = ("not browser and not slow", "not browser", "smoke")
_TRAINING = {"epochs": 2, "batch_size": 16, "learning_rate": 0.02}
TINY = {
    "name": "tiny",
    "device": "cpu",
    "data": {"dataset": "mnist-sample", "n_train": 400},
    "vae": {"latent_channels": 4, "width": 8},
    "vae_training": _TRAINING,
    "vqvae": {"latent_channels": 4, "width": 8},
    "vqvae_training": _TRAINING,
    "geometry": {"n_images": 40, "n_landmarks": 200, "n_neighbors": 6, "n_context": 8},
    "codebook": {"n_codes": 8, "n_restarts": 2},
    "tokenizers": ["kmeans", "euclidean", "riemannian", "vqvae"],
    "refits": ["riemannian"],
    "refit": {"n_steps": 30, "batch_size": 16, "learning_rate": 0.01},
    "priors": ["kmeans", "riemannian"],
    "prior": {"n_layers": 1, "n_heads": 2, "width": 16},
    "prior_training": {"epochs": 2, "batch_size": 32},
    "sampling": {"n_samples": 9},
    "evaluation": {"n_images": 100},
}


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the number
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Use all cores where whole parts of the suite are asked for without the browser, whose tests measure times."""
    options, is_worker = config.option, hasattr(config, "workerinput")  # a worker starts no workers
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not is_worker
    if everything and options.numprocesses is None and options.markexpr in _PARALLEL and not options.usepdb:
        options.numprocesses = min(os.cpu_count() or 1, 8)


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what AppTest replaces: processes that a later test starts would run its script first."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def tiny_config() -> ExperimentConfig:
    """A whole experiment that takes a second or two."""
    return parse_config(TINY)


@pytest.fixture(scope="session")
def tiny_run(tiny_config: ExperimentConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of `tiny_config`, in `<outputs root>/mnist-sample/tiny`. Only to be read: copy it to change it."""
    root = tmp_path_factory.mktemp("outputs")
    path = root / tiny_config.data.dataset / tiny_config.name
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOVQ_OUTPUTS", str(root))
        work_on_run(tiny_config, path, terminal=False)
    return path
