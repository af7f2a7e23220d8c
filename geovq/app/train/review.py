"""Beside the form: what will happen, how long it takes, the button that starts it, and the same as a command."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from geovq import jobs
from geovq.app.shared.devices import devices
from geovq.app.shared.markdown import as_text
from geovq.app.shared.states import error_box
from geovq.app.shared.wording import stage_title
from geovq.app.train.estimate import run_time, show_run_time
from geovq.app.train.experiment import command_line
from geovq.app.train.sources import Source
from geovq.config import ExperimentConfig, setting_changes
from geovq.errors import GeovqError
from geovq.jobs.devices import device_of
from geovq.runs import open_run, outputs_root
from geovq.runs.carry_over import reusable
from geovq.runs.layout import CONFIG_FILE
from geovq.runs.stages.plan import TARGETS, plan, with_needs

LAUNCHED = "launched_run"  # session key: folder of the run that this visitor started last
_FAILURE = "train_failure"  # session key: settings that could not be started, and why
_STARTED = "train_started"  # session key: something was just started, and the page does not show it yet
_TARGET = "train_target"
_TARGET_WORDS = {
    "run": "everything",
    "train-vae": "the VAE only",
    "train-vqvae": "the VQ-VAEs only",
    "discretize": "tokenizers and tokens",
    "refit": "refitted decoders",
    "train-prior": "priors",
}


def review(source: Source, config: ExperimentConfig, *, keeps_vae: bool) -> None:
    """Draw changes, time, button and command; `keeps_vae`: the run begins with what the source's run has made."""
    _changes(source, config)
    out = outputs_root() / config.data.dataset / config.name
    target = _target_picker(config)
    _time(source, config, out, target, keeps_vae=keeps_vae)
    if str(out) == st.session_state.get(LAUNCHED):
        st.caption("This run was started; for a new one, choose another name.")
    elif out.exists():
        st.info(
            "A run of this name exists. With the same settings it is gone on with; with others, choose another name.",
            icon=":material/replay:",
        )
    reuse = source.run.path if keeps_vae and source.run else None
    st.button(
        "Start",
        type="primary",
        width="stretch",
        icon=":material/play_arrow:",
        key="train_start",
        on_click=_start,
        args=(config, target, reuse),
        help="Runs beside the app: close the page, and it goes on. If the device is busy, it waits for its turn.",
    )
    if st.session_state.pop(_STARTED, False):
        st.rerun()  # the form is a fragment: the rest of the page must learn of it
    failed, failure = st.session_state.get(_FAILURE, (None, None))
    if failed == config:  # until the form says something else: a poll may interrupt the first time it is drawn
        error_box(failure)
    st.markdown("**The same without a browser**")
    command = command_line(
        _shown(source.file), _shown(out), source.config, config, target=target, reuse=_shown(reuse) if reuse else None
    )
    st.code(command, language=None, wrap_lines=True)


def _changes(source: Source, config: ExperimentConfig) -> None:
    what = "preset " if source.run is None else ""
    st.markdown(f"**What changes against the {what}{as_text(source.name)}**")
    differences = setting_changes(source.config, config)
    if differences:
        before = "preset" if source.run is None else "that run"
        table = [{"setting": key, before: _text(old), "this run": _text(new)} for key, old, new in differences]
        st.dataframe(pd.DataFrame(table), hide_index=True)
    else:
        st.caption(
            "Nothing: the preset runs as it is."
            if source.run is None
            else "Nothing: the settings are those of that run."
        )


def _target_picker(config: ExperimentConfig) -> str:
    stages = plan(config)
    options = [target for target, wanted in TARGETS.items() if any(wanted(stage.name) for stage in stages)]
    if st.session_state.get(_TARGET) not in options:
        st.session_state[_TARGET] = "run"
    target: str = st.selectbox(
        "Make",
        options,
        format_func=_TARGET_WORDS.__getitem__,
        key=_TARGET,
        help="A part is made with all that it needs. What is finished is never made again; Resume makes the rest.",
        persist_state="session",
    )
    return target


def _time(source: Source, config: ExperimentConfig, out: Path, target: str, *, keeps_vae: bool) -> None:
    stages = plan(config)
    finished = _finished(source, config, out, keeps_vae=keeps_vae)
    wanted = with_needs(stages, lambda stage: TARGETS[target](stage.name))
    to_do = {stage.name for stage in wanted} - finished
    device = device_of(config.device, devices())
    found = run_time(config, device.title if device else config.device, {stage.name for stage in stages} - to_do)
    sections = {"vae": config.vae_training, "vqvae": config.vqvae_training, "prior": config.prior_training}
    trained = {name.partition(":")[0].partition("-")[0] for name in to_do}
    show_run_time(found, any(sections[kind].patience is not None for kind in trained & set(sections)))
    if keeps_vae and source.run:
        words = f"{len(finished)} of {len(stages)} stages are kept from {source.run.id}, its VAE among them"
        hint = "" if to_do else ". Change tokenizers, codebook, geometry or priors above: only what follows is made"
        st.caption(f":material/inventory_2: {as_text(words + hint)}.", help=as_text(_stage_list(finished)))


def _finished(source: Source, config: ExperimentConfig, out: Path, *, keeps_vae: bool) -> set[str]:
    """Stages that need not be done: the run has them already, or takes them over."""
    if (out / CONFIG_FILE).exists():
        try:
            there = open_run(out)
        except GeovqError:
            return set()
        return set(there.manifest.stages) if there.config == config else set()
    return set(reusable(source.run, config).stages) if keeps_vae and source.run else set()


def _stage_list(names: set[str]) -> str:
    return f"Kept: {', '.join(sorted(stage_title(name) for name in names))}."


def _start(config: ExperimentConfig, target: str, reuse: Path | None) -> None:
    """Callback: its error is kept for the page, since a callback has no place to draw in."""
    st.session_state.pop(_FAILURE, None)
    try:
        job = jobs.launch(config, outputs_root(), target=target, reuse=reuse)
    except GeovqError as error:
        st.session_state[_FAILURE] = config, error
    else:
        st.session_state[LAUNCHED] = str(job.run_path)
        st.session_state[_STARTED] = True


def _shown(path: Path) -> Path:
    """Short form of a path below the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _text(value: Any) -> str:
    if value is None:
        return "all"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
