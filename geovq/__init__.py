"""geovq: the geometry of a VAE's latent space, and tokenizers made from it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from geovq.version import __version__ as __version__

if TYPE_CHECKING:
    from geovq.config import DiscretizationConfig, ExperimentConfig, load_config
    from geovq.geometry import LatticeMetric, geodesic_distances, lattice_metric, metric_tensors
    from geovq.runs import Run, open_run
    from geovq.tokenization import (
        JointTokens,
        Tokenizer,
        discretize,
        encode_jointly,
        load_tokenizer,
        search_jointly,
    )

__all__ = [
    "DiscretizationConfig",
    "ExperimentConfig",
    "JointTokens",
    "LatticeMetric",
    "Run",
    "Tokenizer",
    "discretize",
    "encode_jointly",
    "geodesic_distances",
    "lattice_metric",
    "load_config",
    "load_tokenizer",
    "metric_tensors",
    "open_run",
    "search_jointly",
]

_HOME = {
    "DiscretizationConfig": "config",
    "ExperimentConfig": "config",
    "JointTokens": "tokenization",
    "LatticeMetric": "geometry",
    "Run": "runs",
    "Tokenizer": "tokenization",
    "discretize": "tokenization",
    "encode_jointly": "tokenization",
    "geodesic_distances": "geometry",
    "lattice_metric": "geometry",
    "load_config": "config",
    "load_tokenizer": "tokenization",
    "metric_tensors": "geometry",
    "open_run": "runs",
    "search_jointly": "tokenization",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use (PEP 562): torch and numba take seconds that `--help` need not."""
    if name in _HOME:
        return getattr(import_module(f"geovq.{_HOME[name]}"), name)
    raise AttributeError(f"module 'geovq' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
