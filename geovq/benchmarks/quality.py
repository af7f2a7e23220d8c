"""Rate and distortion of post-hoc tokenizers on the VAEs of several runs, over seeds.

Runs that differ in nothing but their seed and name are repetitions of one experiment. Each needs its VAE only
(`python -m geovq train-vae`); landmarks, codebooks and tokens are made here, for every number of codes, and nothing is
written into the runs.
"""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from geovq.artifacts import write_json
from geovq.catalogue.tokenizers import POST_HOC
from geovq.config import DiscretizationConfig, ExperimentConfig
from geovq.data import load_images
from geovq.errors import ArtifactError, InvalidValueError
from geovq.evaluation import distortion, token_usage
from geovq.geometry import measure_geometry, sample_landmarks
from geovq.progress import Progress, SilentProgress
from geovq.runs import Run, open_run
from geovq.runs.layout import command
from geovq.runs.stages.workspace import Workspace
from geovq.tokenization import fit_tokenizer
from geovq.training import resolve_device


@dataclass(frozen=True)
class QualityRow:
    """One tokenizer on held-out images."""

    experiment: str
    seed: int
    method: str
    n_codes: int
    n_active: int  # directions of the active subspace
    n_images: int  # held-out images
    distortion: float  # mean squared pixel difference
    bits_per_token: float


def bench_quality(
    run_paths: Sequence[Path],
    *,
    n_codes: Sequence[int],
    methods: Sequence[str],
    n_images: int,
    out: Path | None,
    progress: Progress | None = None,
) -> list[QualityRow]:
    """Measure, print a table of means over seeds, and write all rows as JSON if asked to.

    Parameters
    ----------
    run_paths : sequence of Path
        Folders of runs with a trained VAE.
    n_codes : sequence of int
        Codebook sizes K.
    methods : sequence of str
        Post-hoc tokenizers; ratios are against the first.
    n_images : int
        Held-out images to measure on.
    out : Path, optional
    progress : Progress, optional

    Raises
    ------
    ArtifactError
        If a run has no VAE yet.
    InvalidValueError
        If a method is not a post-hoc tokenizer.
    """
    unknown = [method for method in methods if method not in POST_HOC]
    if unknown:
        allowed = ", ".join(POST_HOC)
        raise InvalidValueError(f"methods must be among {allowed}; got {', '.join(unknown)}.")
    runs = [open_run(path) for path in run_paths]
    for run in runs:
        if "vae" not in run.models:
            raise ArtifactError(f"{run.path} has no VAE yet; `{command(run.path, 'train-vae')}` makes it.")
    rows = []
    for run in runs:
        rows += _rows_of_run(run, n_codes, methods, n_images, progress or SilentProgress())
    print(quality_table(rows, methods))
    if out is not None:
        write_json(out, {"rows": [asdict(row) for row in rows]})
        print(f"\nWritten to {out}.")
    return rows


def _rows_of_run(
    run: Run, n_codes: Sequence[int], methods: Sequence[str], n_images: int, progress: Progress
) -> list[QualityRow]:
    config = run.config
    work = Workspace(run.path, config, resolve_device(config.device), progress)
    model = work.autoencoder("riemannian")
    train = load_images(config.data.dataset, "train", n_images=config.geometry.n_images, seed=run.seed)
    test = load_images(config.data.dataset, "test", n_images=n_images, seed=run.seed)
    progress.start(f"{run.id}, seed {run.seed}: encoding", len(train) + len(test), "images")
    sample = sample_landmarks(work.encode(model, train), config.geometry, seed=run.seed)
    held_out = work.encode(model, test)
    geometry = measure_geometry(model.decode, sample, config.geometry, device=work.device, progress=progress)

    def decode(batch: Tensor) -> Tensor:
        return model.decode(batch.to(work.device)).cpu()

    rows = []
    for method in methods:
        for count in n_codes:
            settings = config.discretization(method).model_dump() | {"n_codes": count}
            settled = DiscretizationConfig(**settings)
            tokenizer = fit_tokenizer(sample, lambda: geometry.metrics, settled, decode=decode, progress=progress)
            tokens = tokenizer.encode(held_out)
            rows.append(
                QualityRow(
                    experiment=_experiment(config),
                    seed=run.seed,
                    method=method,
                    n_codes=count,  # asked for, also where the config lets a rule choose
                    n_active=sample.subspace.n_active,
                    n_images=len(test),
                    distortion=distortion(decode, held_out, tokenizer.decode(tokens)).mean,
                    bits_per_token=token_usage(tokens, tokenizer.n_codes).entropy_bits,
                )
            )
    return rows


def quality_table(rows: Sequence[QualityRow], methods: Sequence[str]) -> str:
    """Means over seeds; the ratio of distortions to the first method's is taken per seed, its range in brackets."""
    lines = []
    for experiment in dict.fromkeys(row.experiment for row in rows):
        ours = [row for row in rows if row.experiment == experiment]
        n_seeds = len({row.seed for row in ours})
        active = sorted({row.n_active for row in ours})
        lines += [
            "",
            f"{experiment}; {n_seeds} seed{'s' if n_seeds > 1 else ''}, {ours[0].n_images:,} held-out images, "
            f"A = {' or '.join(map(str, active))}",
            f"{'K':>6}  {'tokenizer':<12}  {'distortion':>10}  {'bits/token':>10}  ratio to {methods[0]} (range)",
        ]
        for count in sorted({row.n_codes for row in ours}):
            by_method = {m: [row for row in ours if row.method == m and row.n_codes == count] for m in methods}
            lines += [_line(count, by_method[method], by_method[methods[0]]) for method in methods]
    return "\n".join(lines).lstrip("\n")


def _line(n_codes: int, rows: Sequence[QualityRow], against: Sequence[QualityRow]) -> str:
    ratios = [row.distortion / other.distortion for row, other in zip(rows, against, strict=True)]
    mean = statistics.fmean(row.distortion for row in rows)
    bits = statistics.fmean(row.bits_per_token for row in rows)
    spread = f"{statistics.fmean(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
    return f"{n_codes:>6}  {rows[0].method:<12}  {mean:>10.5f}  {bits:>10.2f}  {spread}"


def _experiment(config: ExperimentConfig) -> str:
    vae, geometry = config.vae, config.geometry
    return (
        f"{config.data.dataset}, D = {vae.latent_channels}, width {vae.width}, β = {vae.beta:g}, "
        f"N = {geometry.n_landmarks:,}, k = {geometry.n_neighbors}"
    )
