"""The form that starts a run: what it begins with, and every setting of the schema to be changed."""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import streamlit as st

from geovq.app.shared.links import brief, followed, warn, write
from geovq.app.shared.selection import known_runs
from geovq.app.shared.states import error_box, guarded
from geovq.app.shared.wording import GLOSSARY
from geovq.app.train.device import device_picker
from geovq.app.train.experiment import edited, free_name
from geovq.app.train.review import review
from geovq.app.train.sources import Source, read_source, run_option, source_options
from geovq.app.train.widgets import leaf_settings, setting_input
from geovq.bundle import bundled
from geovq.config import ExperimentConfig
from geovq.errors import ConfigError
from geovq.runs import outputs_root
from geovq.runs.carry_over import VAE_SETTINGS

CONFIGS = bundled("configs")
PRESET = "train_preset"  # session key: the option that the form starts from
_LOADED = "train_loaded"  # session key: how often each option was loaded by a button, which undoes what was typed
_KEEP = "train_keep_vae"
OTHERS = "train_others"  # session key: whether all other settings are in view
_LINK = "start_from"  # parameter of the link


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
_ASKED_APART = ("name", "device", "data.dataset", "tokenizers", "joint", "refits", "priors")
_FIELD_WIDTH = 165  # pixels; as many stand in a row as fit


def load_settings(link_id: str, *, keep_vae: bool) -> None:
    """Callback: the form starts anew from the settings of a run, if wanted on its trained VAE."""
    option = run_option(link_id)
    loaded = st.session_state.setdefault(_LOADED, {})
    loaded[option] = loaded.get(option, 0) + 1
    st.session_state[PRESET], st.session_state[_KEEP] = option, keep_vae


@st.fragment
@guarded
def train_form() -> None:
    """Ask for settings and start the run."""
    row, below = st.container(horizontal=True, gap="medium"), st.container()
    with row.container(width=560):
        source = _source_picker()
        if source is None:
            return
        keeps_vae = source.has_vae and st.toggle(
            "Keep its trained VAE",
            key=_KEEP,
            help="New tokenizers and priors on the VAE that this run has trained. A new run begins with copies of all "
            "that its settings leave the same; nothing of that is trained again.",
            persist_state="session",
        )
        ask = _Asking(source, keeps_vae)
        values = _ask_main(ask)
    with below:
        values |= _ask_others(ask, values)
    with row.container(width=320):
        try:
            config = edited(source.config, values)
        except ConfigError as error:
            error_box(ConfigError(_with_labels(str(error))))
            st.button("Start", disabled=True, type="primary", width="stretch", icon=":material/play_arrow:")
            return
        review(source, config, keeps_vae=keeps_vae)


def _source_picker() -> Source | None:
    runs = known_runs()
    options = source_options(CONFIGS, runs)
    _follow_link(options)
    name: str = st.selectbox(
        "Settings from",
        options,
        key=PRESET,
        help="A preset is a file in configs/; demo takes minutes and needs no download. A run brings its own settings.",
        persist_state="session",
    )
    write(_LINK, name)
    try:
        return read_source(name, CONFIGS, runs)
    except ConfigError as error:
        error_box(error)
        st.caption("Its settings cannot be loaded into the form. Start from another run, or from a preset.")
        return None


def _follow_link(options: list[str]) -> None:
    if (linked := followed(_LINK)) is not None:
        if linked in options:
            st.session_state[PRESET] = linked
        else:
            warn(f"The link starts from {brief(linked)}, which is not here. You see another one.")
    if st.session_state.get(PRESET) not in options:
        st.session_state[PRESET] = options[0]


class _Asking:
    """Draws the widget of a setting; the source is part of its key, so that another one brings its own values."""

    def __init__(self, source: Source, keeps_vae: bool) -> None:
        self.start, self.keeps_vae = source.config, keeps_vae
        n_loaded = st.session_state.get(_LOADED, {}).get(source.name, 0)
        self.key = f"{source.key}_{n_loaded}" if n_loaded else source.key

    def __call__(self, path: str, label: str, word: str = "", **options: Any) -> Any:
        key, unit_help = f"{self.key}_{path}", GLOSSARY.get(word, "")
        start = self._start(path)
        return setting_input(ExperimentConfig, path, start, label=label, key=key, unit_help=unit_help, **options)

    def typed(self, path: str) -> Any:
        """The value of a setting that is not in view: what was chosen there before, else that of the source."""
        return st.session_state.get(f"{self.key}_{path}", self._start(path))

    def _start(self, path: str) -> Any:
        return functools.reduce(getattr, path.split("."), self.start)

    def open_settings(self, paths: Iterable[str]) -> list[str]:
        """Those that may be changed: not what a VAE that is kept follows from."""
        return [path for path in paths if not (self.keeps_vae and path.split(".")[0] in VAE_SETTINGS)]


def _ask_main(ask: _Asking) -> dict[str, Any]:
    values: dict[str, Any] = {}
    dataset = ask.start.data.dataset
    left, right = st.columns(2)
    if ask.open_settings(["data.dataset"]):
        with left:
            values["data.dataset"] = dataset = ask("data.dataset", "Data set")
    with left if ask.keeps_vae else right:
        default = free_name(outputs_root(), dataset, ask.start.name)
        values["name"] = st.text_input(
            "Run name",
            default,
            key=f"{ask.key}_{dataset}_name_{default}",
            help="Folder of the run: lower-case letters, digits, '.', '_' and '-'. The same name and settings go on "
            "with a run that exists.",
        )
    with right if ask.keeps_vae else st.container():
        values["device"] = device_picker(ask.start.device, f"{ask.key}_device")
    with st.container(horizontal=True):
        for setting in _MAIN:
            if ask.open_settings([setting.path]):
                values[setting.path] = ask(*setting, width=_FIELD_WIDTH)
    values["tokenizers"] = names = tuple(ask("tokenizers", "Tokenizers", "tokenizer"))
    values["priors"] = tuple(ask("priors", "Priors for", "prior", options=names))
    values["joint"] = tuple(ask("joint", "Choose tokens together for", options=names))
    values["refits"] = tuple(ask("refits", "Refit the decoder for", options=names))
    return values


def _ask_others(ask: _Asking, asked: Mapping[str, Any]) -> dict[str, Any]:
    sections: dict[str, list[str]] = {}
    for path in ask.open_settings(leaf_settings(ExperimentConfig)):
        if path not in asked and path not in _ASKED_APART:
            sections.setdefault(path.split(".")[0], []).append(path)
    values: dict[str, Any] = {}
    # Sixty widgets take a while to draw: only when they are in view.
    box = st.expander("All other settings", icon=":material/tune:", key=OTHERS, on_change="rerun")
    if not box.open:
        return {path: ask.typed(path) for paths in sections.values() for path in paths}
    with box:
        for tab, paths in zip(st.tabs([_words(section) for section in sections]), sections.values(), strict=True):
            with tab, st.container(horizontal=True):
                for path in paths:
                    values[path] = ask(path, _words(path.split(".")[1]), width=_FIELD_WIDTH)
    return values


def _words(name: str) -> str:
    return name.replace("vqvae", "VQ-VAE").replace("vae", "VAE").replace("_", " ")


def _with_labels(sentence: str) -> str:
    """The names of settings in a sentence, preceded by what stands on their fields."""
    for setting in _MAIN:
        name = setting.path.rpartition(".")[2]
        if "_" not in name:  # an everyday word
            continue
        sentence = re.sub(rf"(?<![\w.]){name}(?!\w)", f"{setting.label} ({name})", sentence)
    return sentence
