"""Settings of a study: which tokenizers, at which operating points, on which experiments and seeds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from geovq.catalogue.datasets import most_images
from geovq.config import TokenizerName, load_section
from geovq.config.sections import Section

CodeCount = Annotated[int, Field(ge=2, le=65_536)]
Price = Annotated[float, Field(ge=0, le=1e6)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
PriceKind = Literal["codes", "context"]


class PointConfig(Section):
    """One operating point of one tokenizer."""

    tokenizer: TokenizerName = Field(description="Whose tokens.")
    n_codes: CodeCount = Field(description="Codes K.")
    search: Literal["own", "joint"] = Field("own", description="How tokens are chosen.")
    bit_price: Price = Field(0.0, description="Of joint search: squared pixel error per bit; 0 for own.")
    prices: PriceKind = Field("codes", description="Of joint search: what the bits of a token follow from.")
    refit: bool = Field(False, description="Whether the decoder is refitted to the tokens.")

    @model_validator(mode="after")
    def _own_has_no_price(self) -> Self:
        if self.search == "own" and self.bit_price:
            raise ValueError(f"bit_price must be 0 where search is own; got {self.bit_price:g}, so set search: joint")
        return self


class AblationConfig(PointConfig):
    """One change of settings at one operating point, on one seed."""

    name: str = Field(min_length=1, description="What the table calls it.")
    changes: tuple[str, ...] = Field(
        (), description="`section.key=value` settings of the experiment; none measures the point itself."
    )


class OwnConfig(Section):
    """Cells whose tokens follow from each tokenizer's own rule."""

    n_images: int = Field(2_000, ge=2, le=most_images("test"), description="Held-out images.")


class JointConfig(Section):
    """Cells whose tokens are chosen together."""

    tokenizers: tuple[TokenizerName, ...] | None = Field(None, description="Whose tokens; empty: of all.")
    n_codes: tuple[CodeCount, ...] | None = Field(None, description="Numbers of codes K; empty: all of a tokenizer.")
    bit_prices: tuple[Price, ...] = Field(
        (0.002, 0.006, 0.02), description="Squared pixel error, summed over an image, that one bit is worth."
    )
    prices: tuple[PriceKind, ...] = Field(("codes",), description="What the bits of a token follow from.")
    n_images: int = Field(2_000, ge=2, le=most_images("test"), description="Held-out images.")
    n_price_images: int = Field(
        1_000, ge=1, le=most_images("train"), description="Training images from whose tokens prices are learned."
    )


class RefitsConfig(Section):
    """Cells whose tokens are decoded by a decoder that was refitted to them."""

    tokenizers: tuple[TokenizerName, ...] | None = Field(None, description="Whose tokens; empty: of all.")
    n_codes: tuple[CodeCount, ...] = Field(
        (60, 64, 240, 256), description="Numbers of codes K, where a tokenizer has them."
    )
    bit_prices: tuple[Price, ...] = Field((0.006,), description="Of the cells with joint search.")
    own: bool = Field(True, description="Whether cells with own rules are refitted too.")
    n_images: int = Field(
        6_000, ge=20, le=most_images("train"), description="Training images from whose tokens the decoder learns."
    )


class PriorsConfig(Section):
    """Cells whose tokens get a learned prior."""

    points: tuple[PointConfig, ...] = Field((), description="Operating points.")
    seeds: tuple[Seed, ...] = Field((0,), description="Of the autoencoders.")
    n_images: int | None = Field(
        None, ge=20, le=most_images("train"), description="Training images that it learns from; empty: all."
    )


class StudyConfig(Section):
    """One study, whole."""

    experiments: tuple[str, ...] = Field(
        ("mnist.yaml", "fashion_mnist.yaml"),
        min_length=1,
        description="Files beside this one whose data, networks, geometry and refits the study takes.",
    )
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=1, description="Of the autoencoders and all else.")
    tokenizers: dict[TokenizerName, tuple[CodeCount, ...]] = Field(
        min_length=1, description="Numbers of codes K of each tokenizer."
    )
    own: OwnConfig = OwnConfig()
    joint: JointConfig = JointConfig()
    refits: RefitsConfig = RefitsConfig()
    full: tuple[PointConfig, ...] = Field((), description="Operating points that are measured on all held-out images.")
    priors: PriorsConfig = PriorsConfig()
    ablation: tuple[AblationConfig, ...] = Field((), description="Changes of one setting, on the first of the seeds.")

    @model_validator(mode="after")
    def _points_fit(self) -> Self:
        for key in ("joint", "refits"):
            for name in getattr(self, key).tokenizers or ():
                self._require_tokenizer(f"{key}.tokenizers", name)
        points: Sequence[tuple[str, PointConfig]] = [
            *(("full", point) for point in self.full),
            *(("priors.points", point) for point in self.priors.points),
        ]
        for key, point in points:
            self._require_tokenizer(key, point.tokenizer)
        for key in ("seeds", "experiments"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"{key} must not repeat one; got {', '.join(map(str, values))}")
        return self

    def _require_tokenizer(self, key: str, name: str) -> None:
        if name not in self.tokenizers:
            raise ValueError(f"{key} must be among the tokenizers; {name} is not in {', '.join(self.tokenizers)}")


def load_study(path: Path) -> StudyConfig:
    """Read the settings of a study; `ConfigError` names the place and the remedy."""
    return load_section(path, StudyConfig)
