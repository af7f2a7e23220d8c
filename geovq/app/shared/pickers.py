"""Selectors that several pages share: an image, one tokenizer, two tokenizers."""

import random
from collections.abc import Sequence
from typing import Literal

import streamlit as st

from geovq.app.shared import fetching
from geovq.app.shared.states import as_text, empty_state
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.runs.layout import GEOMETRY_FILE
from geovq.viz import tokenizer_style

_ANY = "any class"


def tokenizers_of(run: Run) -> list[str]:
    """Tokenizers that exist in a run, in the order of its settings."""
    return [name for name in run.config.tokenizers if name in run.tokenizers]


def require_tokenizers(run: Run) -> list[str]:
    """Tokenizers that exist; a page that needs one ends here without."""
    names = tokenizers_of(run)
    if not names:
        empty_state(
            "This run has no tokenizer yet",
            "Tokenizers are built after the autoencoder. The run is still at work, or it stopped before.",
            link="train",
            label="Watch or resume it",
        )
        st.stop()
    return names


def require_geometry(run: Run, why: str) -> None:
    """A page that needs the metric field ends here without."""
    if not run.has(GEOMETRY_FILE):
        empty_state(
            "The geometry of this run is not measured yet",
            why,
            link="train",
            label="Watch or resume it",
            icon="architecture",
        )
        st.stop()


def start_with(key: str, usual: int | None, last: int, what: str, *, first: int = 0) -> None:
    """Put a number into the session before its widget is drawn: from the session, else the link, else the usual one."""
    value = st.session_state.get(key)
    linked = st.query_params.get(key) if key not in st.session_state else None
    if linked is not None:
        value = int(linked) if linked.isdecimal() else -1
        if not first <= value <= last:
            st.warning(
                f"The link asks for {as_text(linked)} as {what}; this run has {first} to {last}. You see another one.",
                icon=":material/link_off:",
            )
    if value is None or not first <= value <= last:  # chosen in another run, perhaps
        value = usual
    st.session_state[key] = value


def warn_of_unknown(key: str, options: Sequence[str], what: str) -> None:
    """Say so if the link asks for an option that there is not; its widget, which comes next, drops it in silence."""
    linked = st.query_params.get(key) if key not in st.session_state else None
    if linked is not None and linked not in options:
        st.warning(
            f"The link asks for {as_text(linked)} as {what}, which is not among {as_text(', '.join(options))}. You see "
            "another one.",
            icon=":material/link_off:",
        )


def image_picker(run: Run, prefix: str) -> tuple[int, str]:
    """Choose a held-out image by class, number or chance.

    Returns
    -------
    (int, str)
        Its index in the test split, and its class.
    """
    images = fetching.held_out_of(run)
    options = [_ANY, *images.class_names]
    wanted = st.selectbox(
        "Class", options, key=f"{prefix}_class", help=GLOSSARY["held_out"], persist_state="session", width=140
    )
    labels = images.labels.tolist()
    fitting = [i for i, label in enumerate(labels) if wanted in (_ANY, images.class_names[label])]
    key = f"{prefix}_image"
    if key in st.session_state:
        st.session_state[key] = min(int(st.session_state[key]), len(fitting) - 1)
    place = st.number_input(
        f"Number, 0 to {len(fitting) - 1}",
        0,
        len(fitting) - 1,
        key=key,
        bind="query-params",
        help="Counts the images of the chosen class.",
        width=160,
    )
    st.button("Random", icon=":material/casino:", on_click=_pick_any, args=(key, len(fitting)))
    index = fitting[int(place or 0)]
    return index, images.class_names[labels[index]]


def one_tokenizer(
    label: str, names: list[str], usual: str, key: str, width: int | Literal["stretch"] = "stretch"
) -> str:
    """Choose one tokenizer; `usual` unless it is missing."""
    chosen: str = st.selectbox(
        label,
        names,
        index=names.index(usual) if usual in names else 0,
        format_func=lambda name: tokenizer_style(name).label,
        key=key,
        help=GLOSSARY["tokenizer"],
        bind="query-params",
        persist_state="session",
        width=width,
    )
    return chosen


def pair_picker(names: list[str], prefix: str) -> list[str]:
    """Choose one or two tokenizers to lay side by side; Euclidean and Riemannian unless they are missing."""
    usual = [name for name in ("euclidean", "riemannian") if name in names] or names[:2]
    chosen = st.multiselect(
        "Tokenizers, one or two",
        names,
        default=usual,
        max_selections=2,
        format_func=lambda name: tokenizer_style(name).label,
        key=f"{prefix}_tokenizers",
        help=f"{GLOSSARY['tokenizer']} Euclidean: {GLOSSARY['euclidean'].lower()} "
        f"Riemannian: {GLOSSARY['riemannian'].lower()}",
        bind="query-params",
        persist_state="session",
    )
    if not chosen:
        empty_state("No tokenizer is chosen", "Choose one or two above.", icon="touch_app")
        st.stop()
    return chosen


def _pick_any(key: str, n_images: int) -> None:
    # A throw of the dice for a visitor: not an experiment, so it needs no seed.
    st.session_state[key] = random.randrange(n_images)
