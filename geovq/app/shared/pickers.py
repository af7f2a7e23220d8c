"""Selectors that several pages share: an image, one tokenizer, two tokenizers."""

import random
from typing import Literal

import streamlit as st

from geovq.app.shared import fetching
from geovq.app.shared.links import LIST_SUFFIX, start_with, warn_of_unknown
from geovq.app.shared.states import empty_state
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.runs.layout import GEOMETRY_FILE
from geovq.viz import tokenizer_style

_ANY = "any class"


def tokenizers_of(run: Run) -> list[str]:
    """Tokenizers that exist in a run, in the order of its settings."""
    return [name for name in run.config.tokenizers if name in run.tokenizers]


def require_tokenizers(run: Run) -> list[str]:
    """Tokenizers that exist; where there is none, the page says so and ends."""
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
    """Say so and end the page where the metric field is not measured yet; `why` says how it comes about."""
    if not run.has(GEOMETRY_FILE):
        empty_state(
            "The geometry of this run is not measured yet",
            why,
            link="train",
            label="Watch or resume it",
            icon="architecture",
        )
        st.stop()


def image_picker(run: Run, prefix: str) -> tuple[int, str]:
    """Choose a held-out image by class, number or chance.

    Returns
    -------
    (int, str)
        Its index in the test split, and its class.
    """
    images = fetching.held_out_of(run)
    labels = images.labels.tolist()
    classes = [_ANY, *(name for label, name in enumerate(images.class_names) if label in labels)]
    class_key, key = f"{prefix}_class", f"{prefix}_image"
    warn_of_unknown(class_key, classes, "the class")
    wanted = st.selectbox(
        "Class",
        classes,
        key=class_key,
        bind="query-params",
        help=GLOSSARY["held_out"],
        persist_state="session",
        width=140,
    )
    fitting = [i for i, label in enumerate(labels) if wanted in (_ANY, images.class_names[label])]
    last = len(fitting) - 1
    start_with(key, 0, last, "the image")
    place = st.number_input(
        f"Number, 0 to {last}",
        0,
        last,
        key=key,
        bind="query-params",
        help="Counts the images of the chosen class.",
        width=160,
    )
    st.button("Random", icon=":material/casino:", key=f"{prefix}_random", on_click=_pick_any, args=(key, len(fitting)))
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


def one_of(names: list[str], key: str) -> str:
    """Choose one of the tokenizers of the page; where there is one only, nothing is asked."""
    if st.session_state.get(key) not in (None, *names):
        del st.session_state[key]
    if len(names) == 1:
        return names[0]
    return str(
        st.segmented_control(
            "Tokenizer",
            names,
            default=names[-1],
            required=True,
            format_func=lambda name: tokenizer_style(name).label,
            key=key,
            bind="query-params",
        )
    )


def pair_picker(names: list[str], prefix: str) -> list[str]:
    """Choose one or two tokenizers to lay side by side; Euclidean and Riemannian unless they are missing."""
    usual = [name for name in ("euclidean", "riemannian") if name in names] or names[:2]
    chosen = st.multiselect(
        "Tokenizers, one or two",
        names,
        default=usual,
        max_selections=2,
        format_func=lambda name: tokenizer_style(name).label,
        key=f"{prefix}{LIST_SUFFIX}",
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
    # For a visitor, not for an experiment: it needs no seed.
    st.session_state[key] = random.randrange(n_images)
