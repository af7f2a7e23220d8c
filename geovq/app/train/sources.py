"""What the form on the page Train can start from: a preset, or the settings of a run."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from geovq.app.train.experiment import presets
from geovq.artifacts import digest_of
from geovq.config import ExperimentConfig, load_config
from geovq.errors import ConfigError
from geovq.runs import Run, RunSummary, open_run
from geovq.runs.layout import CONFIG_FILE

_RUN = "run "  # begins the option of a run; no preset's name has a space


@dataclass(frozen=True)
class Source:
    """Settings to begin with.

    Attributes
    ----------
    name : str
        Of the option.
    file : Path
        Where the settings stand.
    config : ExperimentConfig
    run : Run, optional
        The run that they belong to; None for a preset.
    """

    name: str
    file: Path
    config: ExperimentConfig
    run: Run | None

    @property
    def key(self) -> str:
        """Begins the keys of the form's widgets: other settings, other widgets."""
        if self.run is None:
            return f"train_{self.name}"
        return f"train_{self.run.id}_{digest_of(self.config.model_dump(mode='json'))[:8]}"

    @property
    def has_vae(self) -> bool:
        """Whether its VAE is trained, and can be kept."""
        return self.run is not None and "vae" in self.run.manifest.stages


def run_option(link_id: str) -> str:
    """Name of the option that stands for a run."""
    return f"{_RUN}{link_id}"


def source_options(folder: Path, runs: Iterable[str]) -> list[str]:
    """Names of all options: the presets of a folder, then runs by their link ids."""
    return [file.stem for file in presets(folder)] + [run_option(name) for name in runs]


def read_source(name: str, folder: Path, runs: dict[str, RunSummary]) -> Source:
    """What an option stands for.

    Raises
    ------
    ConfigError
        If the settings cannot be read, or the run is gone.
    """
    if not name.startswith(_RUN):
        file = next(file for file in presets(folder) if file.stem == name)
        return Source(name, file, load_config(file), None)
    link_id = name.removeprefix(_RUN)
    if link_id not in runs:
        raise ConfigError(f"The run {link_id} is not here any more; start from another run or from a preset.")
    summary = runs[link_id]
    file = summary.path / CONFIG_FILE
    config = load_config(file)
    # Settings can be taken from a run whose other files are damaged; its VAE cannot.
    return Source(name, file, config, None if summary.problem else open_run(summary.path))
