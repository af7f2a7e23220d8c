"""The cells of a study: what is measured, one row of the table each, and in which order."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from geovq.artifacts import digest_of
from geovq.catalogue.tokenizers import END_TO_END, TOKENIZERS
from geovq.config import ExperimentConfig, load_config, parse_config
from geovq.errors import ConfigError
from geovq.runs.stages.plan import plan, with_needs
from geovq.study.settings import AblationConfig, PointConfig, StudyConfig
from geovq.study.table import VAE, StudyRow

RULES = 1  # raise it when a cell measures something else from the same inputs


@dataclass(frozen=True)
class Cell:
    """One tokenizer at one operating point on one seed, or the autoencoder itself.

    Attributes
    ----------
    config : ExperimentConfig
        Complete settings, with this tokenizer alone; `joint` names it where its tokens are chosen together.
    tokenizer : str
        Its name, or "vae".
    n_images : int or None
        Held-out images; None for all.
    n_price_images : int
        Training images from whose tokens joint search learns its prices.
    n_refit_images : int
        Training images from whose tokens the decoder is refitted; 0 for no refit.
    has_prior : bool
    n_prior_images : int or None
        Training images of the prior; None for all.
    ablation : str
        What the table calls a change of settings; empty for the study itself.
    """

    config: ExperimentConfig
    tokenizer: str
    n_images: int | None
    n_price_images: int = 0
    n_refit_images: int = 0
    has_prior: bool = False
    n_prior_images: int | None = None
    ablation: str = ""

    @property
    def is_joint(self) -> bool:
        """Whether tokens are chosen together."""
        return bool(self.config.joint)

    @property
    def autoencoder(self) -> str:
        """Name of the model whose lattices it reads."""
        return self.tokenizer if self.tokenizer in END_TO_END else VAE

    @property
    def n_codes(self) -> int:
        """Codes K; 0 for the autoencoder itself."""
        return 0 if self.tokenizer == VAE else self.config.codebook.n_codes

    @property
    def kind(self) -> str:
        """What kind of work it is: cells of one kind take about as long."""
        if self.tokenizer == VAE:
            return VAE
        parts = ["joint" if self.is_joint else "own"]
        parts += ["refit"] if self.n_refit_images else []
        parts += ["prior"] if self.has_prior else []
        parts += ["all"] if self.n_images is None else []
        return "+".join(parts)

    @cached_property
    def name(self) -> str:
        """For people and for patterns, such as "mnist/s0/weighted/k64/joint-0.006/refit"."""
        config = self.config
        parts = [config.data.dataset, f"s{config.seed}", self.tokenizer]
        if self.tokenizer != VAE:
            search = config.search
            kind = "" if search.prices == "codes" else f"-{search.prices}"
            parts += [f"k{self.n_codes}", f"joint-{search.bit_price:g}{kind}" if self.is_joint else "own"]
        parts += ["refit"] if self.n_refit_images else []
        parts += ["prior"] if self.has_prior else []
        parts += ["all"] if self.n_images is None else []
        parts += [self.ablation] if self.ablation else []
        return "/".join(parts)

    @cached_property
    def key(self) -> str:
        """Digest of all that its measurements follow from."""
        wanted = f"evaluation:{self.tokenizer}"
        stages = with_needs(plan(self.config), lambda stage: stage.name == wanted)
        extra = [self.n_images, self.n_price_images, self.n_refit_images, self.n_prior_images]
        refit = self.config.refit.model_dump() if self.n_refit_images else {}
        prior = [self.config.prior.model_dump(), self.config.prior_training.model_dump()] if self.has_prior else []
        inputs: dict[str, Any] = {stage.name: stage.settings for stage in stages}
        return digest_of({"rules": RULES, "stages": inputs, "extra": extra, "refit": refit, "prior": prior})[:16]

    def row(self, **measured: Any) -> StudyRow:
        """Its row of the table."""
        config, search = self.config, self.config.search
        description = TOKENIZERS.get(self.tokenizer)
        priced = description is not None and "bit_price" in description.own_settings
        return StudyRow(
            cell=self.key,
            dataset=config.data.dataset,
            seed=config.seed,
            tokenizer=self.tokenizer,
            n_codes=self.n_codes,
            search="" if self.tokenizer == VAE else "joint" if self.is_joint else "own",
            prices=search.prices if self.is_joint else "",
            bit_price=search.bit_price if self.is_joint else 0.0,
            codebook_bit_price=config.codebook.bit_price if priced else None,
            refit=bool(self.n_refit_images),
            ablation=self.ablation,
            **measured,
        )


def plan_cells(study: StudyConfig, folder: Path) -> tuple[Cell, ...]:
    """All cells of a study, what matters first first; each once.

    Parameters
    ----------
    study : StudyConfig
    folder : Path
        Of the files that `study.experiments` names.

    Raises
    ------
    ConfigError
        If an experiment cannot be read, two are of one data set, or a cell's settings do not fit each other.
    """
    files = [folder / name for name in study.experiments]
    bases = [load_config(file).model_dump(mode="json") for file in files]
    datasets = [base["data"]["dataset"] for base in bases]
    if len(set(datasets)) < len(datasets):
        raise ConfigError(f"experiments must be of different data sets; got {', '.join(datasets)}.")
    cells: list[Cell] = []
    for seed in study.seeds:
        for base in bases:
            cells += [_cell_of_vae(base, seed), *_points(study, base, seed)]
            cells += _with_priors(study, base, seed)
    for file in files:
        cells += [_ablated(study, file, ablation) for ablation in study.ablation]
    once: dict[str, Cell] = {}
    for cell in cells:
        once.setdefault(cell.key, cell)  # a point that is asked for twice keeps its first name
    tiers = {key: tier for tier, key in enumerate(("vae", "own", "joint", "refit", "prior", "ablation"))}
    return tuple(sorted(once.values(), key=lambda cell: (tiers[_tier(cell)], cell.config.seed)))


def _tier(cell: Cell) -> str:
    if cell.ablation:
        return "ablation"
    return next((part for part in ("prior", "refit", "joint", "own") if part in cell.kind.split("+")), VAE)


def _points(study: StudyConfig, base: dict[str, Any], seed: int) -> Iterator[Cell]:
    joint, refits = study.joint, study.refits
    for name, counts in study.tokenizers.items():
        for n_codes in counts:
            own = PointConfig(tokenizer=name, n_codes=n_codes)
            points = [own]
            if name in (joint.tokenizers or study.tokenizers) and n_codes in (joint.n_codes or counts):
                points += [_joint(own, price, kind) for price in joint.bit_prices for kind in joint.prices]
            if name in (refits.tokenizers or study.tokenizers) and n_codes in refits.n_codes:
                decoded = [own] if refits.own else []
                decoded += [_joint(own, price, kind) for price in refits.bit_prices for kind in joint.prices]
                points += [point.model_copy(update={"refit": True}) for point in decoded]
            for point in points:
                yield _cell(study, base, seed, point)
    for point in study.full:
        yield _cell(study, base, seed, point, on_all_images=True)


def _joint(point: PointConfig, bit_price: float, prices: str) -> PointConfig:
    return point.model_copy(update={"search": "joint", "bit_price": bit_price, "prices": prices})


def _with_priors(study: StudyConfig, base: dict[str, Any], seed: int) -> Iterator[Cell]:
    if seed in study.priors.seeds:
        for point in study.priors.points:
            yield _cell(study, base, seed, point, has_prior=True)


def _ablated(study: StudyConfig, file: Path, ablation: AblationConfig) -> Cell:
    base = load_config(file, ablation.changes).model_dump(mode="json")
    return _cell(study, base, study.seeds[0], ablation, ablation=ablation.name)


def _cell_of_vae(base: dict[str, Any], seed: int) -> Cell:
    return Cell(_alone(base, seed, ("kmeans",)), VAE, None)


def _cell(
    study: StudyConfig,
    base: dict[str, Any],
    seed: int,
    point: PointConfig,
    *,
    on_all_images: bool = False,
    has_prior: bool = False,
    ablation: str = "",
) -> Cell:
    """The cell of a point; an ablation's own settings of search and codebook stand."""
    searched = {"bit_price": point.bit_price, "prices": point.prices} if point.search == "joint" else {}
    changed = base | {
        "codebook": base["codebook"] | {"n_codes": point.n_codes},
        "search": base["search"] | searched,
        "prior": base["prior"] | {"class_conditional": False},
    }
    is_joint = point.search == "joint"
    config = _alone(changed, seed, (point.tokenizer,), joint=(point.tokenizer,) if is_joint else ())
    return Cell(
        config,
        point.tokenizer,
        None if on_all_images else study.joint.n_images if is_joint else study.own.n_images,
        n_price_images=study.joint.n_price_images if is_joint else 0,
        n_refit_images=study.refits.n_images if point.refit else 0,
        has_prior=has_prior,
        n_prior_images=study.priors.n_images if has_prior else None,
        ablation=ablation,
    )


def _alone(
    base: dict[str, Any], seed: int, tokenizers: tuple[str, ...], joint: tuple[str, ...] = ()
) -> ExperimentConfig:
    """An experiment with some tokenizers and nothing that is made from them."""
    lists = {"tokenizers": tokenizers, "joint": joint, "refits": (), "priors": ()}
    return parse_config(base | lists | {"seed": seed}, f"study, {base['data']['dataset']}, {', '.join(tokenizers)}")
