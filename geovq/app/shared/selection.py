"""Which run is looked at: one selector for all pages, kept in the link as `?run=…`.

Own runs go by "dataset/name", shipped ones by "shipped/dataset/name", since both may have the same id.
"""

from collections.abc import Mapping

import streamlit as st

from geovq.app.shared.fetching import may_be_seen, open_cached
from geovq.app.shared.links import brief, followed, link_id, page_file, write
from geovq.app.shared.markdown import as_text
from geovq.app.shared.states import empty_state
from geovq.runs import Run, RunSummary, list_runs
from geovq.runs.process.status import State

RUN = "run"  # key of the selector and name of the link's parameter
_MISSING = "missing_run"  # session key: the run that the link names and that does not exist


def known_runs() -> dict[str, RunSummary]:
    """All runs that are shown here, by their link id: own runs from the newest, then the shipped ones."""
    return {link_id(summary): summary for summary in list_runs() if may_be_seen(summary.path)}


def default_run(runs: Mapping[str, RunSummary]) -> str | None:
    """What a visitor sees first: the newest own run that is done, else a shipped one, else any."""
    done = [name for name, summary in runs.items() if not summary.shipped and summary.state is State.DONE]
    shipped = [name for name, summary in runs.items() if summary.shipped]
    return next(iter([*done, *shipped, *runs]), None)


def run_selector() -> None:
    """Draw the selector, and note a run that the link names but that does not exist (any more)."""
    runs = known_runs()
    if (linked := followed(RUN)) is not None:
        st.session_state[RUN] = linked
    wanted = st.session_state.get(RUN)
    if wanted not in runs:
        st.session_state[RUN] = default_run(runs)
        if wanted is not None:
            st.session_state[_MISSING] = wanted
    if not runs:
        st.caption("No runs yet.")
        return
    st.markdown(
        "Run",
        help="One experiment: a trained autoencoder with its tokenizers, priors and measurements. All pages show it.",
    )
    # The link is kept by hand: with bind="query-params", st.switch_page refuses to leave a page (Streamlit 1.67).
    chosen_name = st.selectbox(
        "Run",
        list(runs),
        index=None,
        required=True,
        label_visibility="collapsed",
        key=RUN,
        on_change=forget_missing,
    )
    if chosen_name is not None:
        write(RUN, chosen_name)


def forget_missing() -> None:
    """Drop the note of `run_selector`, since another run was chosen; for callbacks."""
    st.session_state.pop(_MISSING, None)


def choose(name: str) -> None:
    """Select a run by its link id; for callbacks."""
    st.session_state[RUN] = name
    forget_missing()


def chosen() -> RunSummary | None:
    """Summary of the selected run."""
    return known_runs().get(st.session_state.get(RUN) or "")


def selected_run() -> Run:
    """The selected run, opened; where there is none, the page says what to do and ends."""
    missing = st.session_state.get(_MISSING)
    if missing is not None:
        _missing_state(missing)
        st.stop()
    summary = chosen()
    if summary is None:
        empty_state(
            "There is no run yet",
            "A run is one experiment. The small one takes a few minutes on a laptop and needs no download.",
            link="train",
            label="Train the demo",
        )
        st.stop()
    if summary.problem:
        st.error(as_text(summary.problem), title="This run cannot be read", icon=":material/error:")
        st.stop()
    _work_in_progress(summary)
    return open_cached(str(summary.path))


def provenance(run: Run, shown: str = "") -> str:
    """Caption of a figure: what is shown, seed and run."""
    return " · ".join(filter(None, [shown, f"run {run.id}, seed {run.seed}"]))


def of_total(shown: int, total: int, what: str) -> str:
    """The part of a caption that says how much is shown: "64 of 1,000 held-out images"."""
    return f"{shown:,} of {total:,} {what}"


def _missing_state(missing: str) -> None:
    with st.container(border=True, key="empty_missing"):
        st.markdown("#### :material/link_off: This run does not exist")
        st.markdown(f"The link names **{brief(missing)}**. It was deleted or renamed, or it is on another machine.")
        name = st.session_state.get(RUN)
        if name is None:
            st.page_link(page_file("train"), label="Train a run", icon=":material/arrow_forward:")
        else:
            st.button(f"Show {as_text(name)} instead", on_click=forget_missing, type="primary")


def _work_in_progress(summary: RunSummary) -> None:
    if summary.state is None or summary.state is State.DONE:
        return
    texts = {
        State.QUEUED: "This run waits for the device. Nothing is finished yet, or only what was there before.",
        State.RUNNING: "This run is still being made. You see what is finished; load the page again for more.",
        State.CANCELLING: "This run is being cancelled. You see what is finished.",
        State.CANCELLED: "This run was cancelled. You see what was finished; it can be resumed.",
        State.FAILED: "This run failed. You see what was finished before; Train says why.",
        State.LOST: "The process of this run is gone. You see what was finished; it can be resumed.",
    }
    with st.container(horizontal=True, vertical_alignment="center", key="work_in_progress"):
        st.info(texts[summary.state], icon=":material/construction:")
        st.page_link(page_file("train"), label="Go to Train", icon=":material/arrow_forward:")
