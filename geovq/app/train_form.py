"""The form that starts a run: a preset, what is changed in it, and what will happen."""

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
from geovq.errors import GeovqError
from geovq.runs import outputs_root

CONFIGS = Path("configs")
LAUNCHED = "launched_run"  # session key: folder of the run that this visitor started last


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
    row = st.container(horizontal=True, gap="medium")
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
        values = _ask(preset, file.stem)
    with row.container(width=320):
        try:
            config = edited(preset, values)
        except GeovqError as error:
            error_box(error)
            st.button("Start", disabled=True, type="primary", width="stretch", icon=":material/play_arrow:")
            return
        _review(file, preset, config)


def _ask(preset: ExperimentConfig, stem: str) -> dict[str, Any]:
    def ask(path: str, label: str, word: str = "", **options: Any) -> Any:
        # The preset is part of the key: another preset brings its own values.
        start = preset
        for part in path.split("."):
            start = getattr(start, part)
        key = f"train_{stem}_{path}"
        return setting_input(
            ExperimentConfig, path, start, label=label, key=key, unit_help=GLOSSARY.get(word, ""), **options
        )

    values: dict[str, Any] = {}
    left, right = st.columns(2)
    with left:
        values["data.dataset"] = dataset = ask("data.dataset", "Data set")
    with right:
        default = free_name(outputs_root(), dataset, preset.name)
        values["name"] = st.text_input(
            "Run name",
            default,
            key=f"train_{stem}_{dataset}_name_{default}",
            help="Folder of the run: lower-case letters, digits, '.', '_' and '-'. The same name and settings go on "
            "with a run that exists.",
        )
    with st.container(horizontal=True):
        for setting in _MAIN:
            values[setting.path] = ask(*setting, width=_FIELD_WIDTH)
    left, right = st.columns(2)
    with left:
        values["tokenizers"] = tuple(ask("tokenizers", "Tokenizers", "tokenizer"))
    with right:
        values["priors"] = tuple(ask("priors", "Priors for", "prior", options=values["tokenizers"]))
    with st.expander("All other settings", icon=":material/tune:"):
        values["device"] = ask("device", "Device")
        for tab, section in zip(st.tabs(list(_SECTIONS)), _SECTIONS, strict=True):
            with tab:
                fields = type(getattr(preset, section)).model_fields
                paths = [f"{section}.{name}" for name in fields if f"{section}.{name}" not in values]
                with st.container(horizontal=True):
                    for path in paths:
                        values[path] = ask(path, path.split(".")[1].replace("_", " "), width=_FIELD_WIDTH)
    return values


def _review(file: Path, preset: ExperimentConfig, config: ExperimentConfig) -> None:
    differences = setting_changes(preset, config)
    st.markdown(f"**What changes against the preset {as_text(file.stem)}**")
    if differences:
        table = [{"setting": key, "preset": _text(old), "this run": _text(new)} for key, old, new in differences]
        st.dataframe(pd.DataFrame(table), hide_index=True)
    else:
        st.caption("Nothing: the preset runs as it is.")
    out = outputs_root() / config.data.dataset / config.name
    if out.exists():
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
    if failure := st.session_state.pop("train_failure", None):
        error_box(failure)
    st.markdown("**The same without a browser**")
    st.code(command_line(_shown(file), _shown(out), preset, config), language="bash", wrap_lines=True)


def _start(config: ExperimentConfig) -> None:
    """Callback: its error is kept for the page, since a callback has no place to draw in."""
    try:
        job = jobs.launch(config, outputs_root())
    except GeovqError as error:
        st.session_state["train_failure"] = error
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
