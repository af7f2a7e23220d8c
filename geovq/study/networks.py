"""The runs that a study stands on: ordinary runs below its folder, which hold the autoencoders and their geometry.

They are named `vae-s{seed}` and `{tokenizer}-k{K}-s{seed}`. One that somebody has made before is taken as it is, if the
stages that the study needs were made from the same settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geovq.artifacts import digest_of
from geovq.catalogue.tokenizers import END_TO_END
from geovq.config import ExperimentConfig, load_config
from geovq.errors import ArtifactError, ConfigError
from geovq.runs import open_run
from geovq.runs.carry_over import begin_from, reusable
from geovq.runs.layout import CONFIG_FILE
from geovq.runs.manifest import read_manifest
from geovq.runs.pipeline import input_digest_of
from geovq.runs.stages.plan import Stage, plan
from geovq.runs.worker import work_on_run
from geovq.study.cells import Cell
from geovq.study.table import VAE

_OF_GEOMETRY = ("vae", "geometry")


@dataclass(frozen=True)
class Network:
    """One run that cells stand on.

    Attributes
    ----------
    path : Path
        Folder of the run.
    config : ExperimentConfig
        Its settings, where the run is not there yet.
    stages : tuple of str
        What cells need of it.
    base : Path or None
        A run that it may begin with: the same autoencoder, measured otherwise.
    """

    path: Path
    config: ExperimentConfig
    stages: tuple[str, ...]
    base: Path | None = None

    @property
    def name(self) -> str:
        """ "dataset/name"."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def kind(self) -> str:
        """Networks of one kind take about as long to make."""
        return f"{self.config.data.dataset}/{self.stages[0]}"

    def is_made(self) -> bool:
        """Whether all stages were made from these settings; not where that cannot be read, which `make` reports."""
        try:
            manifest = read_manifest(self.path)
        except ArtifactError:
            return False
        if manifest is None:
            return False
        for stage in _stages(self.config, self.stages):
            record = manifest.stages.get(stage.name)
            if record is None or not all(need in manifest.stages for need in stage.needs):
                return False
            if record.input_digest != input_digest_of(stage, manifest):
                return False
        return True

    def make(self) -> None:
        """Make what is missing, as `geovq run` would; `GeovqError` as there."""
        if self.is_made():
            return
        file = self.path / CONFIG_FILE
        config = load_config(file) if file.exists() else self.config
        if _settings(config, self.stages) != _settings(self.config, self.stages):
            raise ConfigError(
                f"{self.path} holds a run whose {' and '.join(self.stages)} have other settings than the study's; move "
                "it away or choose another folder with --out."
            )
        self._begin_with_autoencoder(config)
        work_on_run(config, self.path, terminal=False, stages=lambda stage: stage in self.stages, queues=False)

    def _begin_with_autoencoder(self, config: ExperimentConfig) -> None:
        """Take over what the base has made of the same settings, at best its autoencoder."""
        if self.base is None or not (self.base / CONFIG_FILE).exists() or (self.path / CONFIG_FILE).exists():
            return
        source = open_run(self.base)
        if self.stages[0] in reusable(source, config).stages:
            begin_from(source, config, self.path)


def networks_of(cells: Sequence[Cell], out: Path) -> dict[str, Network]:
    """The run that each cell stands on, by the cell's key.

    An ablation that changes nothing of the run shares the study's own; another has one of its own, whose name ends in a
    digest of its settings.
    """
    found: dict[str, Network] = {}
    ours: dict[Path, dict[str, object]] = {}
    for cell in sorted(cells, key=lambda cell: bool(cell.ablation)):
        config, seed = cell.config, cell.config.seed
        trained = cell.autoencoder in END_TO_END
        stages = (cell.autoencoder,) if trained else _OF_GEOMETRY
        name = f"{cell.autoencoder}-k{cell.n_codes}-s{seed}" if trained else f"{VAE}-s{seed}"
        path, base, settings = out / config.data.dataset / name, None, _settings(config, stages)
        if cell.ablation and ours.get(path) != settings:
            base, path = path, path.with_name(f"{name}-{digest_of(settings)[:8]}")
        ours.setdefault(path, settings)
        named = config.model_copy(update={"name": path.name, "joint": ()})
        found[cell.key] = Network(path, named, stages, base)
    return found


def _stages(config: ExperimentConfig, names: Sequence[str]) -> list[Stage]:
    return [stage for stage in plan(config) if stage.name in names]


def _settings(config: ExperimentConfig, names: Sequence[str]) -> dict[str, object]:
    return {stage.name: stage.settings for stage in _stages(config, names)}
