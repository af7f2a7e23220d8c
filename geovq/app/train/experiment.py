"""From a preset and what a person changed in a form to a valid experiment, and to the command that does the same."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geovq.config import ExperimentConfig, parse_config, setting_changes
from geovq.config.strict_yaml import one_line

_NO_EXPERIMENTS = ("global.yaml", "study.yaml")  # what all experiments share, and a study of several


def presets(folder: Path) -> list[Path]:
    """Experiment files of a folder, the quick one first."""
    files = sorted(file for file in folder.glob("*.yaml") if file.name not in _NO_EXPERIMENTS)
    return sorted(files, key=lambda file: file.stem != "demo")


def edited(preset: ExperimentConfig, values: Mapping[str, Any]) -> ExperimentConfig:
    """The preset with dotted settings replaced, validated again as a whole.

    Raises
    ------
    ConfigError
        If a value is not allowed, alone or together with the others.
    """
    tree = preset.model_dump(mode="python")
    for path, value in values.items():
        *sections, name = path.split(".")
        branch = tree
        for section in sections:
            branch = branch[section]
        branch[name] = value
    return parse_config(tree, where="The form")


def command_line(
    preset_file: Path,
    out: Path,
    preset: ExperimentConfig,
    config: ExperimentConfig,
    *,
    target: str = "run",
    reuse: Path | None = None,
) -> str:
    """The command that makes the same run, or the same part of it, without the app; `reuse`: the run it begins from."""
    words = ["python", "-m", "geovq", target, str(preset_file), "--out", str(out)]
    if reuse is not None:
        words += ["--reuse", str(reuse)]
    for setting, _, value in setting_changes(preset, config):
        words += ["--set", f"{setting}={one_line(value)}"]
    return " ".join(shlex.quote(word) for word in words)


def free_name(root: Path, dataset: str, wanted: str) -> str:
    """`wanted`, or the first of wanted-2, wanted-3, … that is not a run yet."""
    name, number = wanted, 1
    while (root / dataset / name).exists():
        number += 1
        name = f"{wanted}-{number}"
    return name
