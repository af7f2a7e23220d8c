"""How long the run of the form will take, as far as runs of this machine tell."""

import contextlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from geovq.app.shared.caching import copies
from geovq.app.shared.markdown import as_text
from geovq.app.shared.selection import known_runs
from geovq.app.shared.wording import duration, stage_title
from geovq.config import ExperimentConfig
from geovq.errors import GeovqError
from geovq.runs import open_run
from geovq.runs.estimates import StageEstimate, TimedStage, estimate, timed_stages
from geovq.runs.layout import MANIFEST_FILE

_MOST_RUNS = 50  # the newest
_WIDTHS = {"stage": 130, "time": 80}  # pixels


class RunTime(NamedTuple):
    """Estimates of all stages that are to be done; `elsewhere`: those known only from a run that came with geovq."""

    stages: Sequence[StageEstimate]
    elsewhere: Collection[str]

    @property
    def seconds(self) -> float:
        """Sum of what is known."""
        return sum(stage.seconds or 0.0 for stage in self.stages)


@copies(200, False)
def _timed(path: str, changed_at: int) -> list[TimedStage]:
    """Finished stages of a run; `changed_at` is the time of its manifest."""
    try:
        return timed_stages(open_run(path))
    except GeovqError:
        return []  # the list of runs says what is wrong with it


def run_time(config: ExperimentConfig, device: str, without: Collection[str]) -> RunTime:
    """Estimate an experiment from own runs, and what these do not tell from the shipped ones."""
    own: list[TimedStage] = []
    shipped: list[TimedStage] = []
    for summary in list(known_runs().values())[:_MOST_RUNS]:
        if not summary.problem:
            with contextlib.suppress(FileNotFoundError):  # nothing is finished, or the run was deleted a moment ago
                changed_at = (summary.path / MANIFEST_FILE).stat().st_mtime_ns
                (shipped if summary.shipped else own).extend(_timed(str(summary.path), changed_at))
    here, there = estimate(config, device, own, without), estimate(config, device, shipped, without)
    stages = [mine if mine.seconds is not None else theirs for mine, theirs in zip(here, there, strict=True)]
    elsewhere = {mine.stage for mine in here if mine.seconds is None}
    return RunTime(stages, {stage.stage for stage in stages if stage.seconds is not None} & elsewhere)


def show_run_time(found: RunTime, may_stop_early: bool) -> None:
    """One sentence, and the stages behind it."""
    st.markdown(f"**{time_sentence(found, may_stop_early)}**")
    if not found.stages:
        return
    st.caption(as_text(basis_sentence(found)))
    with st.expander("Stages and their time", icon=":material/timer:"):
        rows = [
            {
                "stage": stage_title(stage.stage),
                "time": "not known" if stage.seconds is None else duration(stage.seconds),
                "known from": f"{stage.run} (shipped)" if stage.stage in found.elsewhere else stage.run,
            }
            for stage in found.stages
        ]
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            key="train_stages",
            column_config={name: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()},
            alt="Estimated time of each stage",
        )


def time_sentence(found: RunTime, may_stop_early: bool) -> str:
    """How long it takes, in a few words."""
    if not found.stages:
        return "Nothing is left to do: all of it is made"
    if all(stage.seconds is None for stage in found.stages):
        return "No estimate yet"
    most = "at most " if may_stop_early else ""
    unknown = sum(stage.seconds is None for stage in found.stages)
    rest = f", and {unknown} {'stage' if unknown == 1 else 'stages'} of unknown length" if unknown else ""
    return f"Takes about {most}{duration(found.seconds)}{rest}"


def basis_sentence(found: RunTime) -> str:
    """Which runs an estimate comes from, and what it leaves out."""
    known = [stage for stage in found.stages if stage.seconds is not None]
    if not known:
        return "No run has finished such stages on this device yet. The first one tells."
    by_run: dict[tuple[str, bool], float] = {}
    for stage in known:
        source = stage.run, stage.stage in found.elsewhere
        by_run[source] = by_run.get(source, 0.0) + (stage.seconds or 0.0)
    (run, is_shipped), _ = max(by_run.items(), key=lambda entry: entry[1])
    others = f" and {len(by_run) - 1} more" if len(by_run) > 1 else ""
    if is_shipped:
        return f"Scaled from {run}{others}, which came with geovq: this machine may be faster or slower."
    return f"Scaled from {run}{others}, by images, epochs and landmarks. A busy machine takes longer."
