"""What the compare page asks: which two tokenizers, of which runs, through which decoders, by which error."""

from collections.abc import Mapping

import streamlit as st

from geovq.app.compare.data import Measure, Side
from geovq.app.shared import fetching
from geovq.app.shared.decoders import decoder_picker
from geovq.app.shared.links import brief, parameter, warn
from geovq.app.shared.markdown import as_text
from geovq.app.shared.pickers import one_tokenizer, tokenizers_of
from geovq.app.shared.selection import known_runs
from geovq.runs import Run, RunSummary

_RUN, _WANTED = "compare_run", "compare_run_wanted"
MEASURES: dict[str, Measure] = {"of the whole way": "mse", "of quantizing alone": "distortion"}
ERROR_TITLES = {"mse": "reconstruction error, MSE (pixel²)", "distortion": "distortion (pixel²)"}
_MEASURE_HELP = (
    "Of the whole way: the picture that comes back against the original. It is fair between runs and decoders. "
    "Of quantizing alone: against what the same autoencoder makes of the same image without tokens (distortion); it is "
    "about the autoencoder's own decoder, whichever is chosen above."
)


def sides(run: Run, names: list[str], runs: Mapping[str, RunSummary]) -> tuple[Side, Side]:
    """Ask for the two sides: a tokenizer of this run, and one of any of `runs`, by link id."""
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        st.markdown(f"**A** · run {as_text(run.id)}", help="The run that is chosen on the left.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = one_tokenizer("Tokenizer A", names, "riemannian", "compare_ours", width=170)
            decoder = decoder_picker(run, name, "compare_refit_a")
        a = Side(run, name, decoder, run)
    with right, st.container(border=True, height="stretch"):
        st.markdown("**B**", help="Any tokenizer of any run on the same kind of images.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            other = _other_run(run, runs)
            its_names = tokenizers_of(other)
            name = one_tokenizer("Tokenizer B", its_names, "kmeans", "compare_theirs", width=170)
            decoder = decoder_picker(other, name, "compare_refit_b")
        b = Side(other, name, decoder, run)
    return a, b


def measure_picker() -> Measure:
    """Choose which error decides."""
    chosen = st.segmented_control(
        "Error",
        list(MEASURES),
        default=next(iter(MEASURES)),
        required=True,
        key="compare_error",
        help=_MEASURE_HELP,
        bind="query-params",
        persist_state="session",
    )
    return MEASURES[chosen]


def names_of(a: Side, b: Side) -> tuple[str, str]:
    """What the two are called: with their runs where these differ."""
    if a.run.path == b.run.path:
        return a.label, b.label
    return f"{a.label} ({a.run.id})", f"{b.label} ({b.run.id})"


def comparable_runs(run: Run) -> dict[str, RunSummary]:
    """This run, and all measured ones on the same kind of images, by link id; a full set and its sample are one."""
    kind = _kind(run.config.data.dataset)
    return {
        name: summary
        for name, summary in known_runs().items()
        if summary.path == run.path or (_kind(summary.dataset) == kind and set(summary.measurements) - {"vae"})
    }


def _other_run(run: Run, runs: Mapping[str, RunSummary]) -> Run:
    own = next(name for name, summary in runs.items() if summary.path == run.path)
    linked = parameter(_RUN)
    if linked is not None and linked not in runs:
        st.session_state[_WANTED] = linked
    if st.session_state.get(_RUN, own) not in runs:  # it was deleted, or the other run is of other images
        st.session_state[_RUN] = own
    chosen = st.selectbox(
        "Run B",
        list(runs),
        index=list(runs).index(own),
        key=_RUN,
        on_change=_forget_wanted,
        bind="query-params",
        persist_state="session",
        width=230,
        help="Measured runs on the same kind of images, since the same ones must go through both.",
    )
    if missing := st.session_state.get(_WANTED):
        warn(f"The link names {brief(missing)} for B. There is no such run of these images; choose another.")
    return fetching.open_cached(str(runs[chosen].path))


def _forget_wanted() -> None:
    st.session_state.pop(_WANTED, None)


def _kind(dataset: str) -> str:
    return dataset.removesuffix("-sample")
