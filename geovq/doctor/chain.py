"""A tiny chain of everything that runs on a device, from a training step to tokens, compared with the CPU's results.

The networks are new and small, and all random numbers are drawn on the CPU, so that the same numbers come out wherever
a stage is computed, but for rounding.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from geovq.catalogue.datasets import DATASETS
from geovq.config import DiscretizationConfig, PriorConfig, TrainingConfig, VAEConfig
from geovq.data import ImageSet, load_images
from geovq.doctor.finding import Finding, ok, problem
from geovq.geometry import lattice_metric, metric_tensors, neighbour_graph
from geovq.geometry.graph.bellman_ford import relax_distances
from geovq.lattice import cells_of
from geovq.models import LatticeDecoder, LatticePrior, LatticeVAE, initialised
from geovq.randomness import make_generator
from geovq.tokenization import Tokenizer, discretize, search_jointly
from geovq.training import (
    Draws,
    Objective,
    PriorObjective,
    QuantizedImages,
    RefitObjective,
    TokenSet,
    VAEObjective,
    resolve_device,
)
from geovq.training.distributed import Alone
from geovq.training.objective import Examples
from geovq.training.stepper import Stepper

_SEED = 0
_SAMPLE = "mnist-sample"
_N_IMAGES, _N_FEW = 64, 4  # images of the sample; those whose derivatives are taken
_N_CODES = 8
_CONFIG = TrainingConfig(batch_size=_N_IMAGES, precision="32-true")


@dataclass(frozen=True, eq=False)
class Subject:
    """What the chain works on: made once, on the CPU."""

    images: ImageSet
    vae: LatticeVAE
    prior: LatticePrior
    lattices: Float[Tensor, "n d h w"]
    basis: Float[Tensor, "d a"]
    graph: csr_matrix
    tokenizers: Mapping[str, Tokenizer]
    tokens: Int64[Tensor, "n h w"]


class Stage(NamedTuple):
    """A computation, and how far results may be apart, relative to their length."""

    name: str
    compute: Callable[[Subject, torch.device], Tensor]
    tolerance: float


class _CpuDraws(Draws):
    """Random numbers that are the same whatever the device of the batch."""

    def standard_normal(self, like: Tensor) -> Tensor:
        return super().standard_normal(like.cpu()).to(like.device)


def chain_findings(name: str) -> Iterator[Finding]:
    """Compute every stage on a device and on the CPU, and compare.

    Parameters
    ----------
    name : str
        As in settings: "cuda", "cuda:1", "mps", "auto".

    Raises
    ------
    DeviceError
        If there is no such device.
    """
    device = resolve_device(name)
    subject = make_subject()
    for stage in STAGES:
        yield compared(stage, subject, device)


def compared(stage: Stage, subject: Subject, device: torch.device) -> Finding:
    """Whether a stage gives on a device what it gives on the CPU."""
    what = str(device)
    expected = stage.compute(subject, torch.device("cpu"))
    try:
        found = stage.compute(subject, device).cpu()
    except Exception as error:
        said = f"{stage.name}: failed ({type(error).__name__}: {str(error).strip().partition(chr(10))[0]})."
        return problem(what, said, _OTHER_PYTORCH)
    if found.shape != expected.shape or not torch.isfinite(found).all():
        return problem(what, f"{stage.name}: gave numbers that are not finite, or another shape.", _OTHER_PYTORCH)
    length = expected.double().norm().item()
    difference = (found.double() - expected.double()).norm().item() / (length or 1.0)
    said = f"{stage.name}: {difference:.1g} away from the CPU's result, where {stage.tolerance:g} is rounding."
    return ok(what, said) if difference <= stage.tolerance else problem(what, said, _OTHER_PYTORCH)


_OTHER_PYTORCH = "Compute on the CPU (`--set device=cpu`), and try another version of PyTorch or of the driver."


def make_subject() -> Subject:
    """Networks with their first weights, images, a graph and two tokenizers."""
    images = load_images(_SAMPLE, "train", n_images=_N_IMAGES, seed=_SEED)
    trunk = DATASETS[_SAMPLE].image_shape, DATASETS[_SAMPLE].n_halvings
    vae = initialised(lambda: LatticeVAE(VAEConfig(latent_channels=4, width=8), *trunk), _SEED, "doctor/vae").eval()
    with torch.no_grad():
        lattices = vae.encode(images.batch(torch.arange(_N_IMAGES)))
    configs = [
        DiscretizationConfig(method=method, n_codes=_N_CODES, n_landmarks=200, n_neighbors=6, seed=_SEED)
        for method in ("kmeans", "riemannian", "weighted")
    ]
    tokenizers = {config.method: discretize(vae.decode, lattices, config) for config in configs}
    shape = _N_CODES, *lattices.shape[-2:]
    tiny = PriorConfig(n_layers=2, n_heads=2, width=16, dropout=0.0)
    prior = initialised(lambda: LatticePrior(tiny, *shape), _SEED, "doctor/prior").eval()
    basis, _ = torch.linalg.qr(torch.randn(4, 3, generator=make_generator(_SEED, "doctor/basis")))
    points = cells_of(lattices[:_N_FEW]).numpy()
    graph = neighbour_graph(points, n_neighbors=6)
    lengths = np.linalg.norm(points[graph.tails] - points[graph.heads], axis=1).astype(np.float32)
    tokens = tokenizers["riemannian"].encode(lattices)
    return Subject(images, vae, prior, lattices, basis, graph.weighted(lengths), tokenizers, tokens)


def vae_step(subject: Subject, device: torch.device) -> Tensor:
    """Gradient of the loss of a VAE."""
    return _gradient(subject.vae, VAEObjective(beta=0.1), subject.images, device)


def field_products(subject: Subject, device: torch.device) -> Tensor:
    """Metric of every cell."""
    decode = _decoder(subject, device).decode
    return metric_tensors(decode, subject.lattices[:_N_FEW].to(device), subject.basis)


def blocks_of_lattices(subject: Subject, device: torch.device) -> Tensor:
    """Metric of whole lattices."""
    decode = _decoder(subject, device).decode
    return lattice_metric(decode, subject.lattices[:_N_FEW].to(device), subject.basis).blocks


def joint_search(subject: Subject, device: torch.device) -> Tensor:
    """Error and price of tokens that were chosen together, per image: codes that tie may be chosen differently."""
    found = search_jointly(
        _decoder(subject, device).decode,
        subject.tokenizers["weighted"],
        subject.lattices[:_N_FEW].to(device),
        subject.images.batch(torch.arange(_N_FEW)).to(device),
        precision="float32",
    )
    n_pixels = subject.images.images[0].numel()
    return found.error_after + found.bits_after * found.bit_price / n_pixels


def relaxed_paths(subject: Subject, device: torch.device) -> Tensor:
    """Shortest paths by relaxation."""
    return torch.from_numpy(relax_distances(subject.graph, np.arange(8), device))


def prior_step(subject: Subject, device: torch.device) -> Tensor:
    """Gradient of the loss of a prior."""
    return _gradient(subject.prior, PriorObjective(), TokenSet(subject.tokens), device)


@torch.no_grad()
def prior_with_cache(subject: Subject, device: torch.device) -> Tensor:
    """Logits of each token in turn, from the memory of those before it."""
    prior = copy.deepcopy(subject.prior).to(device)
    tokens = subject.tokens[:_N_FEW].flatten(start_dim=1).to(device)
    previous, cache = torch.full_like(tokens[:, 0], prior.start_token), prior.new_cache(len(tokens))
    logits = []
    for position in range(prior.n_positions):
        logits.append(prior.step(previous, position, cache))
        previous = tokens[:, position]
    return torch.stack(logits)


def refit_step(subject: Subject, device: torch.device) -> Tensor:
    """Gradient of the loss of a decoder that is refitted to codes."""
    examples = QuantizedImages(subject.images, subject.tokens, subject.tokenizers["riemannian"].codebook)
    return _gradient(LatticeDecoder.of(subject.vae), RefitObjective(), examples, device)


def encoding(method: str, subject: Subject, device: torch.device) -> Tensor:
    """Tokens by a tokenizer's own rule, as vectors of codes."""
    tokenizer = subject.tokenizers[method]
    return tokenizer.decode(tokenizer.encode(subject.lattices.to(device)).cpu())


_ROUNDING = 0.02  # products on a GPU have 10 bits of mantissa
STAGES = (
    Stage("A training step of the VAE", vae_step, _ROUNDING),
    Stage("The metric field", field_products, _ROUNDING),
    Stage("The lattice metric", blocks_of_lattices, _ROUNDING),
    Stage("The joint search", joint_search, 2 * _ROUNDING),
    Stage("Shortest paths by relaxation", relaxed_paths, 0.0),
    Stage("A training step of the prior", prior_step, _ROUNDING),
    Stage("The prior with its cache", prior_with_cache, _ROUNDING),
    Stage("A step of the refit", refit_step, _ROUNDING),
    Stage("Encoding by the nearest code", partial(encoding, "kmeans"), _ROUNDING),
    Stage("Encoding by landmarks", partial(encoding, "riemannian"), 0.0),
    Stage("Encoding by the local metric", partial(encoding, "weighted"), 0.0),
)


def _decoder(subject: Subject, device: torch.device) -> LatticeVAE:
    return copy.deepcopy(subject.vae).to(device)


def _gradient(model: nn.Module, objective: Objective, examples: Examples, device: torch.device) -> Tensor:
    """Gradient of all weights for one batch of all examples."""
    trained = copy.deepcopy(model)
    stepper = Stepper(trained, objective, _CONFIG, device, Alone(), lambda sentence: None)

    def rows(part: slice) -> Any:
        indices = torch.arange(part.start, part.stop)
        return examples.batch(indices), _CpuDraws(make_generator(_SEED, "doctor/step"))

    stepper.differentiate(rows, len(examples), objective)
    return torch.cat([weight.grad.flatten() for weight in trained.parameters() if weight.grad is not None])
