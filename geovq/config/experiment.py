"""The settings of one tokenizer and of one whole experiment, and what must fit between sections."""

import math
from collections.abc import Iterable
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from geovq.catalogue.tokenizers import POST_HOC, TOKENIZERS
from geovq.config.sections import (
    MOST_LANDMARKS_OF_A_MATRIX,
    RUN_NAME_PATTERN,
    CodebookConfig,
    DataConfig,
    EvaluationConfig,
    GeometryConfig,
    PostHocName,
    PriorConfig,
    PriorTrainingConfig,
    RefitConfig,
    SamplingConfig,
    SearchConfig,
    Section,
    TokenizerName,
    TrainingConfig,
    VAEConfig,
    VQVAEConfig,
    VQVAETrainingConfig,
)
from geovq.config.sentences import sentence
from geovq.errors import ConfigError


class DiscretizationConfig(GeometryConfig, CodebookConfig):
    """Everything `geovq.discretize` needs for one tokenizer."""

    method: PostHocName = Field(
        "riemannian",
        description="How codes are found and cells encoded. "
        + " ".join(f"{name}: {TOKENIZERS[name].codebook}; {TOKENIZERS[name].encoding}." for name in POST_HOC),
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Root of all random streams.")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(f"DiscretizationConfig: {sentence(error, type(self))}") from error

    @model_validator(mode="after")
    def _counts_fit(self) -> Self:
        _require_counts_fit(self, self, (self.method,))
        if self.refine_rounds and "refine_rounds" not in TOKENIZERS[self.method].own_settings:
            raise ValueError(f"refine_rounds must be 0 for {self.method}, whose codes are landmarks and cannot move")
        return self


class ExperimentConfig(Section):
    """One experiment, whole."""

    name: str = Field("experiment", pattern=RUN_NAME_PATTERN, description="Folder of the run below its data set.")
    seed: int = Field(0, ge=0, lt=2**32, description="Root of all random streams.")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, cuda, cuda:N or mps.")
    data: DataConfig = DataConfig()
    vae: VAEConfig = VAEConfig()
    vae_training: TrainingConfig = TrainingConfig()
    vqvae: VQVAEConfig = VQVAEConfig()
    vqvae_training: VQVAETrainingConfig = VQVAETrainingConfig()
    geometry: GeometryConfig = GeometryConfig()
    codebook: CodebookConfig = CodebookConfig()
    tokenizers: tuple[TokenizerName, ...] = Field(
        ("kmeans", "euclidean", "riemannian"), min_length=1, description="Tokenizers that are built and compared."
    )
    joint: tuple[TokenizerName, ...] = Field(
        (), description="Tokenizers whose tokens are chosen together for each image; the others go cell by cell."
    )
    search: SearchConfig = SearchConfig()
    refits: tuple[TokenizerName, ...] = Field(
        (), description="Tokenizers that get a copy of the decoder refitted to the tokens of the training images."
    )
    refit: RefitConfig = RefitConfig()
    priors: tuple[TokenizerName, ...] = Field(("kmeans", "riemannian"), description="Tokenizers that get a prior.")
    prior: PriorConfig = PriorConfig()
    prior_training: PriorTrainingConfig = PriorTrainingConfig()
    sampling: SamplingConfig = SamplingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="after")
    def _sections_fit(self) -> Self:
        _require_counts_fit(self.geometry, self.codebook, self.tokenizers)
        limits = {"geometry.n_images": self.geometry.n_images, "data.n_train": self.data.n_train or math.inf}
        key = min(limits, key=limits.__getitem__)
        n_cells = int(limits[key]) * self.data.description.n_cells
        if self.geometry.n_landmarks > n_cells:
            raise ValueError(
                f"geometry.n_landmarks must be at most {n_cells}, the cells of {key} = {limits[key]} lattices; "
                f"got {self.geometry.n_landmarks}"
            )
        for name in self.tokenizers:
            allowed = TOKENIZERS[name].code_counts
            if allowed and self.codebook.n_codes not in allowed:
                raise ValueError(
                    f"codebook.n_codes must be {', '.join(map(str, allowed[:-1]))} or {allowed[-1]} with the {name} "
                    f"tokenizer; got {self.codebook.n_codes}, so change it or leave {name} out"
                )
        for key in ("tokenizers", "joint", "refits", "priors"):
            names = getattr(self, key)
            if len(set(names)) < len(names):
                raise ValueError(f"{key} must not repeat a name; got {', '.join(names)}")
            missing = [name for name in names if name not in self.tokenizers]
            if missing:
                raise ValueError(
                    f"{key} must be among the tokenizers; {', '.join(missing)} is not in {', '.join(self.tokenizers)}"
                )
        return self

    def is_searched_again(self, tokenizer: str) -> bool:
        """Whether a tokenizer's tokens are chosen for its refitted decoder, which was trained on earlier ones."""
        return self.search.with_refit and tokenizer in self.joint and tokenizer in self.refits

    def discretization(self, method: str) -> DiscretizationConfig:
        """Settings of one post-hoc tokenizer of this experiment."""
        codebook = self.codebook.model_dump()
        if "refine_rounds" not in TOKENIZERS[method].own_settings:
            codebook["refine_rounds"] = 0
        return DiscretizationConfig(method=method, seed=self.seed, **self.geometry.model_dump(), **codebook)


def _require_counts_fit(geometry: GeometryConfig, codebook: CodebookConfig, tokenizers: Iterable[str]) -> None:
    n_landmarks = geometry.n_landmarks
    if codebook.n_codes > n_landmarks:
        raise ValueError(
            f"n_codes must be at most n_landmarks = {n_landmarks}, since medoids are landmarks; got {codebook.n_codes}"
        )
    if geometry.n_neighbors >= n_landmarks:
        raise ValueError(f"n_neighbors must be below n_landmarks = {n_landmarks}; got {geometry.n_neighbors}")
    most = MOST_LANDMARKS_OF_A_MATRIX
    if n_landmarks > most and codebook.solver in ("fasterpam", "pam", "alternate"):
        raise ValueError(
            f"n_landmarks must be at most {most} with codebook.solver = {codebook.solver}, which holds all distances "
            f"between them; got {n_landmarks}, so set it to graph-lloyd or auto"
        )
    for name in tokenizers:
        if n_landmarks > most and TOKENIZERS[name].always_forms_all_distances:
            raise ValueError(
                f"n_landmarks must be at most {most} with the {name} tokenizer, which holds all distances between "
                f"them; got {n_landmarks}, so leave {name} out or lower n_landmarks"
            )
