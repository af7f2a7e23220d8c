"""geovq: the geometry of a VAE's latent space, and tokenizers made from it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from geovq.version import __version__ as __version__

if TYPE_CHECKING:
    from geovq.config import DiscretizationConfig, ExperimentConfig, load_config
    from geovq.geometry import geodesic_distances, metric_tensors
    from geovq.runs import Run, open_run
    from geovq.tokenization import Tokenizer, discretize, load_tokenizer

__all__ = [
    "DiscretizationConfig",
    "ExperimentConfig",
    "Run",
    "Tokenizer",
    "discretize",
    "geodesic_distances",
    "load_config",
    "load_tokenizer",
    "metric_tensors",
    "open_run",
]

_HOME = {
    "DiscretizationConfig": "config",
    "ExperimentConfig": "config",
    "Run": "runs",
    "Tokenizer": "tokenization",
    "discretize": "tokenization",
    "geodesic_distances": "geometry",
    "load_config": "config",
    "load_tokenizer": "tokenization",
    "metric_tensors": "geometry",
    "open_run": "runs",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use (PEP 562): torch and numba take seconds that `--help` need not."""
    if name in _HOME:
        return getattr(import_module(f"geovq.{_HOME[name]}"), name)
    raise AttributeError(f"module 'geovq' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
