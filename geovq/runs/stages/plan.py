"""The stages of an experiment and their order: what each needs, what it depends on, what it writes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from geovq.catalogue.tokenizers import END_TO_END, TOKENIZERS
from geovq.config import CodebookConfig, ExperimentConfig
from geovq.runs.layout import (
    GEOMETRY_FILE,
    decoder_file,
    evaluation_file,
    model_file,
    prior_file,
    samples_file,
    tokenizer_file,
    tokens_before_refit_file,
    tokens_file,
)
from geovq.runs.stages import measuring, tokenizers, training
from geovq.runs.stages.classifiers import classifier_digest
from geovq.runs.stages.workspace import Workspace, autoencoder_of

# Settings that runs made before they existed do not have, at the value that such a run was made with.
_AS_EVER = {("assign", "landmark"), ("refine_rounds", 0)}

_BEFORE_REFIT = "tokens-before-refit"

# Parts of an experiment that can be made on their own, with all that they need: which stages each asks for.
TARGETS: Mapping[str, Callable[[str], bool]] = {
    "run": lambda stage: True,
    "train-vae": lambda stage: stage == "vae",
    "train-vqvae": lambda stage: stage in END_TO_END,
    "discretize": lambda stage: stage.startswith(("tokenizer:", "tokens:")),
    "refit": lambda stage: stage.startswith("refit:"),
    "train-prior": lambda stage: stage.startswith("prior:"),
}


@dataclass(frozen=True)
class Stage:
    """One step of an experiment, made whole or not at all.

    Attributes
    ----------
    name : str
        Such as "vae" or "tokenizer:riemannian".
    needs : tuple of str
        Stages whose files it reads.
    settings : dict
        Part of the configuration that its result depends on, besides what its needs depend on.
    files : tuple of str
        What it writes, relative to the run.
    work : callable
        Does it; gets the workspace and the digest of all inputs.
    """

    name: str
    needs: tuple[str, ...]
    settings: dict[str, Any]
    files: tuple[str, ...]
    work: Callable[[Workspace, str], None]


def plan(config: ExperimentConfig) -> tuple[Stage, ...]:
    """All stages of an experiment, each after those it needs."""
    stages = [_autoencoder_stage(config, name) for name in dict.fromkeys(map(autoencoder_of, _with_vae(config)))]
    stages.append(_evaluation_of_vae(config))
    if any(name not in END_TO_END for name in config.tokenizers):
        stages.append(_geometry_stage(config))
    again = [name for name in config.tokenizers if config.is_searched_again(name)]
    for name in config.tokenizers:
        stages.append(_tokenizer_stage(config, name))
        if name in again:
            stages += [_tokens_before_refit_stage(config, name), _refit_stage(config, name)]
        stages.append(_tokens_stage(config, name))
    stages += [_refit_stage(config, name) for name in config.refits if name not in again]
    for name in config.priors:
        stages += [_prior_stage(config, name), _samples_stage(config, name)]
    stages += [_evaluation_stage(config, name) for name in config.tokenizers]
    return tuple(stages)


def with_needs(stages: Iterable[Stage], wanted: Callable[[Stage], bool]) -> tuple[Stage, ...]:
    """The wanted stages and all that they need, in order."""
    ordered = tuple(stages)
    kept: set[str] = set()
    for stage in reversed(ordered):
        if wanted(stage) or stage.name in kept:
            kept |= {stage.name, *stage.needs}
    return tuple(stage for stage in ordered if stage.name in kept)


def _with_vae(config: ExperimentConfig) -> tuple[str, ...]:
    return ("kmeans", *config.tokenizers)  # the VAE is always made: every comparison shows it as the reference


def _autoencoder_stage(config: ExperimentConfig, name: str) -> Stage:
    shared = {"seed": config.seed, "data": config.data.model_dump()}
    if name in END_TO_END:
        unused = set(TOKENIZERS[name].unused_settings)
        own = {"model": config.vqvae.model_dump(exclude=unused), "training": config.vqvae_training.model_dump()}
        settings = {**shared, **own, "n_codes": config.codebook.n_codes}
        return Stage(
            name,
            (),
            settings,
            (model_file(name),),
            lambda work, input_digest: training.train_vqvae(work, name, input_digest),
        )
    own = {"model": config.vae.model_dump(), "training": config.vae_training.model_dump()}
    return Stage(name, (), {**shared, **own}, (model_file(name),), training.train_vae)


def _geometry_stage(config: ExperimentConfig) -> Stage:
    return Stage(
        "geometry",
        ("vae",),
        {"seed": config.seed, "geometry": _geometry_settings(config)},
        (GEOMETRY_FILE,),
        lambda work, _: tokenizers.measure_metric_field(work),
    )


def _geometry_settings(config: ExperimentConfig) -> dict[str, Any]:
    """Settings that the geometry follows from; runs with principal directions, as all once were, need not name them."""
    is_as_ever = config.geometry.are_principal(config.vae.latent_channels)
    return config.geometry.model_dump(exclude={"directions", "max_active"} if is_as_ever else set())


def _tokenizer_stage(config: ExperimentConfig, name: str) -> Stage:
    codebook = _codebook_settings(config.codebook, name)
    search = {"search": _search_settings(config)} if "refine_rounds" in codebook else {}
    return Stage(
        f"tokenizer:{name}",
        (name,) if name in END_TO_END else ("vae", "geometry"),
        {"seed": config.seed, "codebook": codebook, **search},
        (tokenizer_file(name),),
        lambda work, _: tokenizers.make_tokenizer(work, name),
    )


def _codebook_settings(codebook: CodebookConfig, name: str) -> dict[str, Any]:
    """Settings that one tokenizer follows from, without those that only others read."""
    own = TOKENIZERS[name].own_settings
    named = {key for description in TOKENIZERS.values() for key in description.own_settings}
    settings = codebook.model_dump(exclude=named - own)
    return {key: value for key, value in settings.items() if (key, value) not in _AS_EVER}


def _tokens_stage(config: ExperimentConfig, name: str) -> Stage:
    refit = (f"refit:{name}",) if config.is_searched_again(name) else ()
    return Stage(
        f"tokens:{name}",
        (autoencoder_of(name), f"tokenizer:{name}", *refit),
        _tokens_settings(config, name),
        (tokens_file(name),),
        lambda work, _: tokenizers.tokenize(work, name),
    )


def _tokens_before_refit_stage(config: ExperimentConfig, name: str) -> Stage:
    return Stage(
        f"{_BEFORE_REFIT}:{name}",
        (autoencoder_of(name), f"tokenizer:{name}"),
        _tokens_settings(config, name),
        (tokens_before_refit_file(name),),
        lambda work, _: tokenizers.tokenize_before_refit(work, name),
    )


def _tokens_settings(config: ExperimentConfig, name: str) -> dict[str, Any]:
    settings: dict[str, Any] = {"evaluation": config.evaluation.model_dump()}
    if name in config.joint:
        settings |= {"seed": config.seed, "search": _search_settings(config)}
    return settings


def _search_settings(config: ExperimentConfig) -> dict[str, Any]:
    """Without whether tokens are searched again: stages depend on each other by what they need."""
    return config.search.model_dump(exclude={"with_refit"})


def _refit_stage(config: ExperimentConfig, name: str) -> Stage:
    kind = _BEFORE_REFIT if config.is_searched_again(name) else "tokens"
    return Stage(
        f"refit:{name}",
        (autoencoder_of(name), f"tokenizer:{name}", f"{kind}:{name}"),
        {
            "seed": config.seed,
            "training": config.refit.model_dump(),
            "validation_fraction": config.data.validation_fraction,
        },
        (decoder_file(name),),
        lambda work, input_digest: training.refit_decoder(work, name, input_digest),
    )


def _prior_stage(config: ExperimentConfig, name: str) -> Stage:
    return Stage(
        f"prior:{name}",
        (f"tokenizer:{name}", f"tokens:{name}"),
        {
            "seed": config.seed,
            "model": config.prior.model_dump(),
            "training": config.prior_training.model_dump(),
            "validation_fraction": config.data.validation_fraction,
        },
        (prior_file(name),),
        lambda work, input_digest: training.train_prior(work, name, input_digest),
    )


def _samples_stage(config: ExperimentConfig, name: str) -> Stage:
    return Stage(
        f"samples:{name}",
        (autoencoder_of(name), f"tokenizer:{name}", f"prior:{name}"),
        {"seed": config.seed, "sampling": config.sampling.model_dump()},
        (samples_file(name),),
        lambda work, _: tokenizers.draw_samples(work, name),
    )


def _evaluation_of_vae(config: ExperimentConfig) -> Stage:
    return Stage(
        "evaluation:vae",
        ("vae",),
        {"evaluation": config.evaluation.model_dump()},
        (evaluation_file("vae"),),
        lambda work, _: measuring.evaluate_vae(work),
    )


def _evaluation_stage(config: ExperimentConfig, name: str) -> Stage:
    refit = (f"refit:{name}",) if name in config.refits else ()
    if config.is_searched_again(name):
        refit = (f"{_BEFORE_REFIT}:{name}", *refit)
    prior = (f"prior:{name}", f"samples:{name}") if name in config.priors else ()
    # The classifier ships with geovq or is trained later; then samples are measured again.
    judge = {"classifier": classifier_digest(config.data.dataset)} if prior else {}
    return Stage(
        f"evaluation:{name}",
        (autoencoder_of(name), f"tokenizer:{name}", f"tokens:{name}", *refit, *prior),
        {"seed": config.seed, "evaluation": config.evaluation.model_dump(), **judge},
        (evaluation_file(name),),
        lambda work, _: measuring.evaluate_tokenizer(work, name),
    )
