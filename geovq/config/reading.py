"""Reads experiments from YAML.

Layers, each over the one before: the schema's defaults, `global.yaml` beside the file, the file, `section.key=value`
overrides.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from geovq.bundle import bundled, is_installed
from geovq.config.experiment import ExperimentConfig
from geovq.config.sentences import sentence
from geovq.config.strict_yaml import dump_yaml, parse_yaml
from geovq.errors import ConfigError

SectionType = TypeVar("SectionType", bound=BaseModel)

# What a run of that time, whose settings are written out whole, says of its geometry.
_GEOMETRY_BEFORE_DIRECTIONS = {
    "n_images",
    "n_landmarks",
    "n_neighbors",
    "n_context",
    "residual_variance",
    "output_geometry",
}


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> ExperimentConfig:
    """Read one experiment.

    Parameters
    ----------
    path : path
        YAML file. A `global.yaml` in the same folder, if there is one, is read first.
    overrides : iterable of str
        `section.key=value` strings, applied last; values are YAML.

    Returns
    -------
    ExperimentConfig
        Settings of a run that was made before active directions could be chosen ask for principal ones.

    Raises
    ------
    ConfigError
        If a file cannot be read, or a key or value is not allowed; the message names the place and the remedy.
    """
    path = Path(path)
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a YAML file such as configs/demo.yaml.")
    shared = path.parent / "global.yaml"
    layers = [(str(shared), _read_yaml(shared))] if shared.exists() and shared != path else []
    layers += [(str(path), _read_yaml(path)), *((f"--set {text}", _parse_override(text)) for text in overrides)]
    values: dict[str, Any] = {}
    for _, layer in layers:
        values = _merged(values, layer)
    try:
        config = ExperimentConfig.model_validate(values)
    except ValidationError as error:
        place = error.errors()[0]["loc"]
        origin = next((name for name, layer in reversed(layers) if _decides(layer, place)), str(path))
        raise ConfigError(f"{origin}: {sentence(error, ExperimentConfig)}") from error
    if _is_older_than_directions(values) and not config.geometry.are_principal(config.vae.latent_channels):
        return config.model_copy(update={"geometry": config.geometry.model_copy(update={"directions": "pca"})})
    return config


def parse_config(values: Mapping[str, Any], where: str = "configuration") -> ExperimentConfig:
    """Validate plain values; `where` names their origin in the `ConfigError` about wrong ones."""
    try:
        return ExperimentConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {sentence(error, ExperimentConfig)}") from error


def load_section(path: str | Path, schema: type[SectionType]) -> SectionType:
    """Read a YAML file of another schema than an experiment's; `ConfigError` as for `load_config`."""
    path = Path(path)
    try:
        return schema.model_validate(_read_yaml(path))
    except ValidationError as error:
        raise ConfigError(f"{path}: {sentence(error, schema)}") from error


def dump_config(config: BaseModel) -> str:
    """Complete YAML of a config, every default written out."""
    return dump_yaml(config.model_dump(mode="json"))


def setting_changes(old: ExperimentConfig, new: ExperimentConfig) -> list[tuple[str, Any, Any]]:
    """Settings whose values differ, as (section.key, old value, new value)."""
    before, after = _flattened(old.model_dump(mode="json")), _flattened(new.model_dump(mode="json"))
    return [(key, before[key], after[key]) for key in before if before[key] != after[key]]


def _is_older_than_directions(values: Mapping[str, Any]) -> bool:
    """Whether these are the settings of a run, which are written out whole, from before directions could be chosen."""
    said = values.get("geometry", {}).keys()
    return "directions" not in said and said >= _GEOMETRY_BEFORE_DIRECTIONS


def _decides(layer: Any, place: tuple[int | str, ...]) -> bool:
    """Whether a layer says what stands at a place of the settings."""
    for part in place:
        if not isinstance(layer, dict):
            return True
        if part not in layer:
            return False
        layer = layer[part]
    return bool(place)  # a rule between several settings is broken by no single layer


def _flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flattened(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before the first line
    except FileNotFoundError as error:
        presets = bundled("configs") if is_installed() else "configs/"
        raise ConfigError(f"{path} does not exist; the shipped experiments are in {presets}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); give a readable UTF-8 YAML file.") from error
    values = parse_yaml(text, str(path))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold `section:` entries; got a {type(values).__name__}.")
    return values


def _parse_override(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {text!r} must have the form section.key=value, for example vae.beta=0.1.")
    parsed = parse_yaml(value, f"--set {text!r}")
    for part in reversed(key.strip().split(".")):
        parsed = {part: parsed}
    return dict(parsed)


def _merged(base: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in layer.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result
