"""Sections of an experiment's settings: frozen, complete after construction, and strict about unknown keys.

A field states its default; the files in `configs/` hold what differs from it.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from geovq.catalogue.datasets import DATASETS, DatasetDescription, most_images
from geovq.catalogue.output_geometries import OUTPUT_GEOMETRIES, PIXEL
from geovq.catalogue.tokenizers import POST_HOC, TOKENIZERS
from geovq.config.choices import OneOf

DatasetName = Annotated[str, OneOf(DATASETS)]
TokenizerName = Annotated[str, OneOf(TOKENIZERS)]
PostHocName = Annotated[str, OneOf(POST_HOC)]
SolverName = Literal["auto", "fasterpam", "graph-lloyd", "pam", "alternate"]
MOST_LANDMARKS_OF_A_MATRIX = 50_000  # all distances between them take 10 GB in float32
RUN_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"

Fraction = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """Frozen settings that refuse keys they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        """Pydantic would take true for 1."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise PydanticCustomError("no_truth_value", "Input should be something else than true or false")
        return value


class DataConfig(Section):
    """Which images, and how many of them."""

    dataset: DatasetName = Field("mnist", description="Images to learn from; the -sample sets ship with geovq.")
    n_train: int | None = Field(
        None, ge=100, le=most_images("train"), description="Use only this many training images; empty: all."
    )
    validation_fraction: Fraction = Field(0.05, description="Share of the training split kept for validation.")

    @property
    def description(self) -> DatasetDescription:
        """What is known of the data set."""
        return DATASETS[self.dataset]


class VAEConfig(Section):
    """The lattice VAE and its objective."""

    latent_channels: int = Field(16, ge=1, le=256, description="Channels D of a lattice cell.")
    width: int = Field(
        32, ge=4, le=256, description="Channels of the first convolution stage; the second has twice as many."
    )
    beta: float = Field(
        0.1, ge=0, le=100, description="Weight of the KL term (nats per image) against the BCE (nats per image)."
    )
    beta_warmup: float = Field(0.0, ge=0, le=1, description="Share of the training during which beta rises from 0.")
    free_bits: float = Field(
        0.0, ge=0, le=100, description="KL in nats per channel and image below which a channel costs nothing."
    )


class VQVAEConfig(Section):
    """The autoencoders that are trained end to end with a codebook; which settings one leaves unread, its row says."""

    latent_channels: int = Field(16, ge=1, le=256, description="Channels of a code vector; those of fsq have levels.")
    width: int = Field(32, ge=4, le=256, description="Channels of the first convolution stage, as in the VAE.")
    commitment: float = Field(0.25, ge=0, le=100, description="Weight of the commitment loss; fsq has none.")
    decay: Fraction = Field(0.99, description="Decay of the codebook's moving averages, which only vqvae has.")
    restart_below: float = Field(
        0.1, ge=0, le=1, description="A code of vqvae restarts below this share of uniform usage."
    )


class TrainingConfig(Section):
    """How an autoencoder is trained."""

    epochs: int = Field(15, ge=1, le=10_000, description="Passes over the training images.")
    batch_size: int = Field(128, ge=1, le=65_536, description="Images per optimiser step.")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="Peak of the one-cycle schedule (Adam).")
    weight_decay: float = Field(0.0, ge=0, le=1, description="Decoupled weight decay (AdamW).")
    gradient_clip: float = Field(0.0, ge=0, description="Largest gradient norm; 0 switches clipping off.")
    ema_decay: float = Field(0.0, ge=0, lt=1, description="Decay of the averaged weights; 0 keeps the last weights.")
    patience: int | None = Field(
        None, ge=1, le=1_000, description="Stop after so many epochs without a better validation loss; empty: never."
    )
    precision: Literal["auto", "32-true", "bf16-mixed"] = Field(
        "auto", description="auto: bf16 where the GPU or the processor computes in it, else float32."
    )


class VQVAETrainingConfig(TrainingConfig):
    """How a VQ-VAE is trained: in smaller batches than a VAE, in which it was better."""

    # Measured on MNIST (20,000 images, 3 epochs, K = 256, one seed), test MSE: 0.0044 with 128 images per step, 0.0031
    # with 64, 0.0025 with 32; but a CPU needs a third longer for 32 than for 64, which takes it no longer than 128.
    batch_size: int = Field(64, ge=1, le=65_536, description="Images per optimiser step.")


class PriorTrainingConfig(TrainingConfig):
    """How a prior is trained."""

    epochs: int = Field(8, ge=1, le=10_000, description="Passes over the training tokens.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Peak of the one-cycle schedule (AdamW).")
    weight_decay: float = Field(0.01, ge=0, le=1, description="Decoupled weight decay (AdamW).")
    gradient_clip: float = Field(1.0, ge=0, description="Largest gradient norm; 0 switches clipping off.")
    patience: int | None = Field(
        2, ge=1, le=1_000, description="Stop after so many epochs without a better validation loss; empty: never."
    )


class RefitConfig(Section):
    """How a copy of the decoder is refitted to the tokens that a tokenizer gives the training images."""

    n_steps: int = Field(700, ge=1, le=1_000_000, description="Optimiser steps, whatever the number of images.")
    batch_size: int = Field(128, ge=1, le=65_536, description="Images per optimiser step.")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="Peak of the one-cycle schedule (Adam).")


class GeometryConfig(Section):
    """Where and how the decoder is measured."""

    n_images: int = Field(
        500, ge=2, le=most_images("train"), description="Training images whose cells carry the metric field."
    )
    n_landmarks: int = Field(5_000, ge=2, le=2_000_000, description="Cells on which the neighbour graph stands.")
    n_neighbors: int = Field(10, ge=1, le=256, description="Nearest landmarks joined to each landmark.")
    n_context: int = Field(32, ge=1, le=4_096, description="Cells whose metrics are averaged for one landmark.")
    directions: Literal["auto", "pca", "pixel"] = Field(
        "auto",
        description="Which latent directions are active. pca: those in which cells vary most; pixel: those whose "
        "variation moves the picture most; auto: pca, unless it keeps more than max_active.",
    )
    residual_variance: float = Field(
        0.001,
        ge=0,
        lt=1,
        description="Share of variance that the active subspace may lose: of the latents for pca, of the pictures for "
        "pixel.",
    )
    max_active: int = Field(
        16, ge=1, le=256, description="Most pixel directions that are kept; pca keeps as many as it needs."
    )
    output_geometry: Annotated[str, OneOf(OUTPUT_GEOMETRIES)] = Field(
        PIXEL.name, description="Metric of image space that is pulled back."
    )

    def are_principal(self, n_channels: int) -> bool:
        """Whether active directions of so many latent channels are principal ones, whatever the decoder does."""
        return self.directions == "pca" or (self.directions == "auto" and n_channels <= self.max_active)


class CodebookConfig(Section):
    """How many codes, and how they are searched for."""

    n_codes: int = Field(64, ge=2, le=65_536, description="Codes K of each codebook; the most, where K is chosen.")
    choose_by: Literal["n_codes", "silhouette", "rate"] = Field(
        "n_codes",
        description="n_codes: K is n_codes; silhouette: the K whose clusters are most distinct; "
        "rate: the K that comes closest to target_rate_bits. A VQ-VAE always has n_codes.",
    )
    target_rate_bits: float = Field(
        4.0, gt=0, le=16, description="Entropy of the codes, in bits per token, that choose_by = rate looks for."
    )
    solver: SolverName = Field(
        "auto",
        description="Search for medoids. auto: fasterpam up to 20,000 landmarks, above that graph-lloyd, which "
        "needs no matrix of all distances; pam (scikit-learn-extra) and alternate are the classical ways.",
    )
    n_restarts: int = Field(
        3,
        ge=1,
        le=100,
        description="Starts of the codebook solver, of which the best is kept; pam and alternate have one fixed start.",
    )
    max_iterations: int = Field(100, ge=1, le=10_000, description="Most iterations of one start.")
    n_candidates: int = Field(16, ge=1, le=256, description="Nearest landmarks that compete when a cell is encoded.")
    assign: Literal["landmark", "local"] = Field(
        "landmark",
        description="How cells find their medoid, for euclidean and riemannian. landmark: the shortest way over a near "
        "landmark; local: the least error under the nearest landmark's metric.",
    )
    bit_price: float = Field(
        0.3,
        ge=0,
        le=1e6,
        description="What a bit costs, for weighted and ecvq, in multiples of the mean error that the same number of "
        "codes reaches where bits are free.",
    )
    refine_rounds: int = Field(
        0,
        ge=0,
        le=20,
        description="How often codes move to where jointly chosen tokens want them, for kmeans, weighted and ecvq; "
        "codes of the others are landmarks. Tokens are chosen by the settings of `search`.",
    )

    @model_validator(mode="after")
    def _rate_can_be_reached(self) -> Self:
        if self.choose_by == "rate" and self.target_rate_bits > math.log2(self.n_codes):
            raise ValueError(
                f"codebook.target_rate_bits must be at most log2(n_codes) = {math.log2(self.n_codes):.4g}, the rate of "
                f"{self.n_codes} codes used equally; got {self.target_rate_bits:g}, so raise codebook.n_codes"
            )
        return self


class SearchConfig(Section):
    """How the tokens of an image are chosen together, for the tokenizers that `joint` names."""

    bit_price: float = Field(
        0.006, ge=0, le=1e6, description="Squared pixel error, summed over an image, that one bit is worth."
    )
    n_candidates: int = Field(8, ge=1, le=256, description="Codes that compete for each cell, besides its own.")
    n_rounds: int = Field(2, ge=1, le=100, description="How often the decoder is linearised, at most.")
    prices: Literal["codes", "context"] = Field(
        "codes",
        description="Bits of a token. codes: by how frequent its code is; context: given the tokens to the left and "
        "above.",
    )
    with_refit: bool = Field(
        False,
        description="Choose tokens once more, for the refitted decoder, where there is one; priors learn those.",
    )


class PriorConfig(Section):
    """The Transformer over tokens."""

    n_layers: int = Field(4, ge=1, le=48, description="Transformer blocks.")
    n_heads: int = Field(4, ge=1, le=64, description="Attention heads; must divide the width.")
    width: int = Field(128, ge=8, le=4_096, description="Channels of the residual stream.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout while training.")
    class_conditional: bool = Field(
        False, description="Learn one distribution for each class, so that images of a chosen class can be drawn."
    )

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.n_heads:
            raise ValueError(f"prior.width must be a multiple of prior.n_heads; got {self.width} and {self.n_heads}")
        return self


class SamplingConfig(Section):
    """What is drawn from each prior."""

    n_samples: int = Field(64, ge=1, le=10_000, description="Images drawn from each prior.")
    temperature: float = Field(1.0, gt=0, le=10, description="Divides the logits; below 1 is more careful.")
    top_p: float = Field(1.0, gt=0, le=1, description="Keeps the smallest set of tokens with this probability.")


class EvaluationConfig(Section):
    """What the measurements are made on."""

    n_images: int | None = Field(
        None, ge=1, le=most_images("test"), description="Held-out images to measure on; empty: all."
    )
