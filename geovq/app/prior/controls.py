"""What the prior page asks: whose prior, which class, through which decoder, and how boldly to draw."""

from collections.abc import Sequence

import streamlit as st

from geovq.app.prior.data import Drawing
from geovq.app.shared import fetching
from geovq.app.shared.decoders import decoder_picker, decoder_words
from geovq.app.shared.pickers import one_tokenizer
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.viz import tokenizer_style

_ANY_CLASS = "any"
_NO_CLASSES = "This prior was trained without classes, so none can be chosen."


def view_picker(views: Sequence[str]) -> str:
    """Choose what to look at, the first unless somebody did; the link says it."""
    chosen: str = st.segmented_control(
        "View",
        list(views),
        default=views[0],
        required=True,
        key="prior_view",
        label_visibility="collapsed",
        bind="query-params",
        persist_state="session",
    )
    return chosen


def drawing_controls(run: Run, names: list[str], *, draws: bool) -> Drawing:
    """Ask for everything that decides what is drawn; `draws` is false for what only looks at images that exist."""
    usual = run.config.sampling
    temperature, top_p, seed, label = usual.temperature, usual.top_p, 0, None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = one_tokenizer("Tokenizer", names, "riemannian", "prior_tokenizer", width=150)
        if draws:
            label = _class_picker(run, name)
            temperature = _slider("Temperature", 0.1, 2.0, usual.temperature, "temperature")
            top_p = _slider("Top-p", 0.05, 1.0, usual.top_p, "top_p")
            seed = _seed()
        decoder = decoder_picker(run, name, "prior_refit")
    if draws and not run.priors[name].n_classes:
        st.caption(_NO_CLASSES)
    return Drawing(name, decoder, temperature, top_p, seed, label)


def drawing_words(run: Run, drawing: Drawing) -> str:
    """Settings of a drawing, for a caption."""
    parts = [
        tokenizer_style(drawing.tokenizer).label + decoder_words(drawing.decoder),
        None if drawing.label is None else f"class {fetching.held_out_of(run).class_names[drawing.label]}",
        f"temperature {drawing.temperature:g}",
        f"top-p {drawing.top_p:g}",
        f"drawn with seed {drawing.seed}",
    ]
    return " · ".join(filter(None, parts))


def _slider(label: str, low: float, high: float, usual: float, word: str) -> float:
    chosen: float = st.slider(
        label,
        low,
        high,
        min(max(usual, low), high),
        0.05,
        key=f"prior_{word}",
        bind="query-params",
        persist_state="session",
        help=GLOSSARY[word],
        width=160,
    )
    return chosen


def _seed() -> int:
    return int(
        st.number_input(
            "Seed",
            0,
            2**31 - 1,
            0,
            key="prior_seed",
            bind="query-params",
            persist_state="session",
            help="The same seed and settings draw the same images.",
            width=120,
        )
    )


def _class_picker(run: Run, name: str) -> int | None:
    """Class to draw, where the prior knows classes; None leaves it to the prior."""
    counts = run.priors[name].class_counts
    if counts is None:
        return None
    names = fetching.held_out_of(run).class_names
    seen = [class_name for class_name, count in zip(names, counts, strict=True) if count]
    chosen = st.selectbox(
        "Draw the class",
        [_ANY_CLASS, *seen],
        key="prior_label",
        bind="query-params",
        persist_state="session",
        help="This prior learned one distribution for each class. With “any”, classes come as often as in training.",
        width=120,
    )
    return None if chosen in (None, _ANY_CLASS) else names.index(chosen)
