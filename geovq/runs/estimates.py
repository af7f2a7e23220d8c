"""How long an experiment will take, from how long stages of earlier runs took on the same device.

A stage is compared with finished ones of the same kind, network and device only, and its time is scaled by the amount
of work: images times epochs, steps, landmarks. Where there is none to compare with, there is no estimate.
"""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from geovq.catalogue.tokenizers import END_TO_END, TOKENIZERS, FitSizes
from geovq.codebook.solvers import resolved_solver
from geovq.config import ExperimentConfig
from geovq.runs.reading import Run
from geovq.runs.stages.plan import plan


@dataclass(frozen=True)
class Work:
    """What a stage has to do.

    like : what must be equal for two stages to be compared; amount : what the time grows with, in proportion.
    """

    like: tuple[Any, ...]
    amount: float


@dataclass(frozen=True)
class TimedStage:
    """A stage that a run has finished, and how long it took."""

    run: str
    work: Work
    device: str
    elapsed_s: float


@dataclass(frozen=True)
class StageEstimate:
    """How long a stage will take, and from which run this is known; None and "" if it is not."""

    stage: str
    seconds: float | None
    run: str


def stage_work(config: ExperimentConfig, stage: str) -> Work:
    """What a stage of an experiment has to do."""
    kind, _, name = stage.partition(":")
    available = config.data.description.n_images
    n_train, n_test = config.data.n_train or available["train"], config.evaluation.n_images or available["test"]
    return _WORK[kind](config, kind if kind in END_TO_END else name, n_train, n_test)


def timed_stages(run: Run) -> list[TimedStage]:
    """Finished stages of a run. Of a training, its own clock counts: it adds up where the training was resumed."""
    last = {row.get("stage"): row for row in run.metrics()}
    timed = []
    for stage, record in run.manifest.stages.items():
        work, elapsed_s = stage_work(run.config, stage), record.elapsed_s
        clock, step, n_steps = (last.get(stage, {}).get(name) for name in ("elapsed_s", "step", "n_steps"))
        if isinstance(clock, float) and isinstance(step, int) and isinstance(n_steps, int):
            elapsed_s = clock
            work = Work(work.like, work.amount * step / n_steps)  # less than all of it where it stopped early
        timed.append(TimedStage(run.id, work, record.device, elapsed_s))
    return timed


def estimate(
    config: ExperimentConfig, device: str, timed: Iterable[TimedStage], finished: Collection[str] = ()
) -> list[StageEstimate]:
    """Time of every stage that is still to be done.

    Parameters
    ----------
    config : ExperimentConfig
    device : str
        As manifests name it: "cpu", or the name of the GPU.
    timed : iterable of TimedStage
        Of those that are alike, the one nearest in size counts; of equal ones the first.
    finished : collection of str
        Stages that need not be done.
    """
    known = [past for past in timed if past.device == device and past.work.amount > 0 and past.elapsed_s > 0]
    estimates = []
    for stage in plan(config):
        if stage.name in finished:
            continue
        work = stage_work(config, stage.name)
        alike = [past for past in known if past.work.like == work.like]
        if not alike:
            estimates.append(StageEstimate(stage.name, None, ""))
            continue
        nearest = min(alike, key=lambda past: abs(math.log(past.work.amount / work.amount)))
        seconds = nearest.elapsed_s * work.amount / nearest.work.amount
        estimates.append(StageEstimate(stage.name, seconds, nearest.run))
    return estimates


def _vae(config: ExperimentConfig, name: str, n_train: int, n_test: int) -> Work:
    model, training = config.vae, config.vae_training
    like = ("vae", model.width, model.latent_channels, training.batch_size, training.precision)
    return Work(like, training.epochs * n_train)


def _vqvae(config: ExperimentConfig, name: str, n_train: int, n_test: int) -> Work:
    model, training = config.vqvae, config.vqvae_training
    like = (name, model.width, model.latent_channels, training.batch_size, training.precision)
    return Work(like, training.epochs * n_train)


def _geometry(config: ExperimentConfig, name: str, n_train: int, n_test: int) -> Work:
    return Work(("geometry", config.vae.width, config.vae.latent_channels), config.geometry.n_images)


def _tokenizer(config: ExperimentConfig, name: str, n_train: int, n_test: int) -> Work:
    description, codebook, geometry = TOKENIZERS[name], config.codebook, config.geometry
    solver = resolved_solver(codebook.solver, geometry.n_landmarks)
    like: tuple[Any, ...] = ("tokenizer", name)
    if description.fit:
        like += (solver if description.on_graph else "", codebook.choose_by)
    sizes = FitSizes(
        geometry.n_images, geometry.n_landmarks, codebook.n_codes, codebook.n_restarts, solver != "graph-lloyd"
    )
    return Work(like, description.fit_work(sizes))


def _tokens(config: ExperimentConfig, name: str, n_train: int, n_test: int) -> Work:
    width = (config.vqvae if name in END_TO_END else config.vae).width
    search = config.search
    # Joint search takes about as long for any codebook: its time is the decoder's derivatives.
    how = ("joint", search.n_rounds, search.n_candidates) if name in config.joint else (name,)
    return Work(("tokens", *how, width), n_train + n_test)


def _refit(config: ExperimentConfig, name: str, n_train: int, n_test: int) -> Work:
    like = ("refit", (config.vqvae if name in END_TO_END else config.vae).width)
    return Work(like, config.refit.n_steps * config.refit.batch_size)


def _prior(config: ExperimentConfig, name: str, n_train: int, n_test: int) -> Work:
    model, training = config.prior, config.prior_training
    like = ("prior", model.n_layers, model.n_heads, model.width, training.batch_size, training.precision)
    return Work(like, training.epochs * n_train)


def _samples(config: ExperimentConfig, name: str, n_train: int, n_test: int) -> Work:
    return Work(("samples", config.prior.n_layers, config.prior.width), config.sampling.n_samples)


def _evaluation(config: ExperimentConfig, name: str, n_train: int, n_test: int) -> Work:
    return Work(("evaluation", name == "vae", name in config.priors, name in config.refits), n_test)


_WORK: dict[str, Callable[[ExperimentConfig, str, int, int], Work]] = {
    "vae": _vae,
    **dict.fromkeys(END_TO_END, _vqvae),
    "geometry": _geometry,
    "tokenizer": _tokenizer,
    "tokens": _tokens,
    "tokens-before-refit": _tokens,
    "refit": _refit,
    "prior": _prior,
    "samples": _samples,
    "evaluation": _evaluation,
}
