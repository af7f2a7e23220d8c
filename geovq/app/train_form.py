"""The form that starts a run: a preset, what is changed in it, and what will happen."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from geovq import jobs
from geovq.app.experiment import command_line, edited, free_name, presets
from geovq.app.forms import setting_input
from geovq.app.states import as_text, error_box
from geovq.app.wording import GLOSSARY
from geovq.config import ExperimentConfig, load_config, setting_changes
from geovq.errors import ConfigError, GeovqError
from geovq.runs import outputs_root

CONFIGS = Path("configs")
LAUNCHED = "launched_run"  # session key: folder of the run that this visitor started last
_FAILURE = "train_failure"  # session key: settings that could not be started, and why


class _Setting(NamedTuple):
    path: str
    label: str
    word: str = ""  # of the glossary


_MAIN = (
    _Setting("vae_training.epochs", "VAE epochs"),
    _Setting("vae.beta", "β", "beta"),
    _Setting("vae.latent_channels", "Latent channels", "channel"),
    _Setting("data.n_train", "Training images"),
    _Setting("codebook.n_codes", "Codes K", "code"),
    _Setting("geometry.n_landmarks", "Landmarks", "landmark"),
    _Setting("prior_training.epochs", "Prior epochs", "prior"),
    _Setting("seed", "Seed"),
)
_FIELD_WIDTH = 165  # pixels; as many stand in a row as fit
_SECTIONS = ("vae", "vae_training", "geometry", "codebook", "prior", "prior_training", "sampling", "evaluation")


def train_form() -> None:
    """Ask for settings and start the run."""
    files = presets(_configs())
    row, below = st.container(horizontal=True, gap="medium"), st.container()
    with row.container(width=560):
        file = st.selectbox(
            "Preset",
            files,
            format_func=lambda path: path.stem,
            key="train_preset",
            help="A file in configs/. demo takes minutes and needs no download.",
            persist_state="session",
        )
        preset = load_config(file)
        ask = _Asking(preset, file.stem)
        values = _ask_main(ask)
    with below:
        values |= _ask_others(ask, values)
    with row.container(width=320):
        try:
            config = edited(preset, values)
        except ConfigError as error:
            error_box(ConfigError(_with_labels(str(error))))
            st.button("Start", disabled=True, type="primary", width="stretch", icon=":material/play_arrow:")
            return
        _review(file, preset, config)


class _Asking(NamedTuple):
    """Draws the widget of a setting; the preset is part of its key, so that another preset brings its own values."""

    preset: ExperimentConfig
    stem: str

    def __call__(self, path: str, label: str, word: str = "", **options: Any) -> Any:
        start = self.preset
        for part in path.split("."):
            start = getattr(start, part)
        key, unit_help = f"train_{self.stem}_{path}", GLOSSARY.get(word, "")
        return setting_input(ExperimentConfig, path, start, label=label, key=key, unit_help=unit_help, **options)


def _ask_main(ask: _Asking) -> dict[str, Any]:
    values: dict[str, Any] = {}
    left, right = st.columns(2)
    with left:
        values["data.dataset"] = dataset = ask("data.dataset", "Data set")
    with right:
        default = free_name(outputs_root(), dataset, ask.preset.name)
        values["name"] = st.text_input(
            "Run name",
            default,
            key=f"train_{ask.stem}_{dataset}_name_{default}",
            help="Folder of the run: lower-case letters, digits, '.', '_' and '-'. The same name and settings go on "
            "with a run that exists.",
        )
    with st.container(horizontal=True):
        for setting in _MAIN:
            values[setting.path] = ask(*setting, width=_FIELD_WIDTH)
    values["tokenizers"] = tuple(ask("tokenizers", "Tokenizers", "tokenizer"))
    values["priors"] = tuple(ask("priors", "Priors for", "prior", options=values["tokenizers"]))
    return values


def _ask_others(ask: _Asking, asked: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    with st.expander("All other settings", icon=":material/tune:"):
        values["device"] = ask("device", "Device", width=_FIELD_WIDTH)
        for tab, section in zip(st.tabs(list(_SECTIONS)), _SECTIONS, strict=True):
            with tab:
                fields = type(getattr(ask.preset, section)).model_fields
                paths = [f"{section}.{name}" for name in fields if f"{section}.{name}" not in asked]
                with st.container(horizontal=True):
                    for path in paths:
                        values[path] = ask(path, path.split(".")[1].replace("_", " "), width=_FIELD_WIDTH)
    return values


def _with_labels(sentence: str) -> str:
    """The names of settings in a sentence, preceded by what stands on their fields."""
    for setting in _MAIN:
        name = setting.path.rpartition(".")[2]
        if "_" not in name:  # an everyday word
            continue
        sentence = re.sub(rf"(?<![\w.]){name}(?!\w)", f"{setting.label} ({name})", sentence)
    return sentence


def _review(file: Path, preset: ExperimentConfig, config: ExperimentConfig) -> None:
    differences = setting_changes(preset, config)
    st.markdown(f"**What changes against the preset {as_text(file.stem)}**")
    if differences:
        table = [{"setting": key, "preset": _text(old), "this run": _text(new)} for key, old, new in differences]
        st.dataframe(pd.DataFrame(table), hide_index=True)
    else:
        st.caption("Nothing: the preset runs as it is.")
    out = outputs_root() / config.data.dataset / config.name
    if str(out) == st.session_state.get(LAUNCHED):
        st.caption("This run was started; for a new one, choose another name.")
    elif out.exists():
        st.info(
            "A run of this name exists. With the same settings it is gone on with; with others, choose another name.",
            icon=":material/replay:",
        )
    st.button(
        "Start",
        type="primary",
        width="stretch",
        icon=":material/play_arrow:",
        key="train_start",
        on_click=_start,
        args=(config,),
        help="Runs beside the app: close the page, and it goes on.",
    )
    failed, failure = st.session_state.get(_FAILURE, (None, None))
    if failed == config:  # until the form says something else: a poll may interrupt the first time it is drawn
        error_box(failure)
    st.markdown("**The same without a browser**")
    st.code(command_line(_shown(file), _shown(out), preset, config), language="bash", wrap_lines=True)


def _start(config: ExperimentConfig) -> None:
    """Callback: its error is kept for the page, since a callback has no place to draw in."""
    st.session_state.pop(_FAILURE, None)
    try:
        job = jobs.launch(config, outputs_root())
    except GeovqError as error:
        st.session_state[_FAILURE] = config, error
    else:
        st.session_state[LAUNCHED] = str(job.run_path)


def _configs() -> Path:
    return Path(__file__).resolve().parents[2] / CONFIGS


def _shown(path: Path) -> Path:
    """Short form of a path below the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _text(value: Any) -> str:
    if value is None:
        return "all"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
