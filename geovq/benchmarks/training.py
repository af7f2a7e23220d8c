"""Training and sampling on the shipped digits: our loop and our cache against the ways it is usually done.

The rivals of the loop train the same model on batches of the same size with the same optimiser, behind a `DataLoader`
that reads one image at a time. Ours and theirs run in processes of their own: our loop changes how its process keeps
memory, which would help theirs.
"""

import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from geovq.artifacts import read_json, write_json
from geovq.benchmarks import training_rivals as rivals
from geovq.benchmarks.timing import Comparison, compare, report
from geovq.config import PriorConfig, VAEConfig
from geovq.data import load_images

T = TypeVar("T")

N_IMAGES = 3_000  # of the shipped sample, in one epoch
N_SEQUENCES = 512
N_SAMPLES = 256  # in batches of 64
# Width of the VAE, and workers of the rival's loader: the default VAE, without workers and with one for each core of a
# small machine; a small VAE, where the loop is more of the work.
LOOPS = ((32, 0), (32, 2), (8, 0))


def bench_training(*, repeats: int, out: Path | None) -> None:
    """Print ratios, rates and peak memory of this machine; `out` gets them as JSON."""
    with tempfile.TemporaryDirectory() as folder, _process() as ours, _process() as theirs:
        rivals.write_idx(load_images(rivals.DATASET.name, "train", n_images=N_IMAGES), Path(folder))
        loops = [_compare_loops(ours, theirs, folder, *loop, repeats) for loop in LOOPS]
        peaks = {name: _in(process, rivals.peak_memory_mb)() for name, process in (("ours", ours), ("usual", theirs))}
        prior = _compare_priors(ours, theirs, repeats)
        sampling = _compare_sampling(ours, theirs, repeats)
    report([*loops, prior, sampling], out)
    rates = {
        "images": N_IMAGES / statistics.median(loops[0].ours_s),
        "tokens": N_SEQUENCES * rivals.DATASET.n_cells / statistics.median(prior.ours_s),
        "samples": N_SAMPLES / statistics.median(sampling.ours_s),
        "samples without cache": N_SAMPLES / statistics.median(sampling.usual_s),
    }
    print("\nper second: " + ", ".join(f"{rate:,.0f} {what}" for what, rate in rates.items()))
    for name, peak in peaks.items():
        print(f"peak memory of {name}: " + ", ".join(f"{mb:,.0f} MB ({kind})" for kind, mb in peak.items()))
    if out is not None:
        write_json(out, {**read_json(out), "per_second": rates, "peak_memory_mb": peaks})


def _compare_loops(
    ours: ProcessPoolExecutor, theirs: ProcessPoolExecutor, folder: str, width: int, n_workers: int, repeats: int
) -> Comparison:
    config = VAEConfig(width=width)
    usual = _in(theirs, rivals.usual_vae_epoch, folder, n_workers, config)
    usual()  # starts its workers
    return compare(
        f"VAE, {N_IMAGES:,} images, D = {config.latent_channels}, width {config.width}",
        _in(ours, rivals.our_vae_epoch, N_IMAGES, config),
        f"torchvision.datasets.MNIST with ToTensor through a DataLoader, num_workers={n_workers}",
        usual,
        repeats=repeats,
    )


def _compare_priors(ours: ProcessPoolExecutor, theirs: ProcessPoolExecutor, repeats: int) -> Comparison:
    config = PriorConfig()
    return compare(
        f"prior, {N_SEQUENCES:,} x {rivals.DATASET.n_cells} tokens, {config.n_layers} layers of {config.width}",
        _in(ours, rivals.our_prior_epoch, N_SEQUENCES, config),
        "a TensorDataset through a DataLoader, num_workers=0",
        _in(theirs, rivals.usual_prior_epoch, N_SEQUENCES, config),
        repeats=repeats,
    )


def _compare_sampling(ours: ProcessPoolExecutor, theirs: ProcessPoolExecutor, repeats: int) -> Comparison:
    config = PriorConfig()
    return compare(
        f"{N_SAMPLES} samples, {rivals.SAMPLES_AT_ONCE} at once",
        _in(ours, rivals.sample_with_cache, N_SAMPLES, config),
        "one pass over all positions for each token, without a cache",
        _in(theirs, rivals.sample_without_cache, N_SAMPLES, config),
        repeats=repeats,
    )


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))


def _in(process: ProcessPoolExecutor, work: Callable[..., T], *arguments: object) -> Callable[[], T]:
    """The same work in another process."""
    return lambda: process.submit(work, *arguments).result()
