"""The code that the page looks at: chosen by its tokenizer and number, by a click, by its size or by chance."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from geovq.app.shared import fetching
from geovq.app.shared.links import brief, start_with, unread, warn
from geovq.evaluation import TokenUsage
from geovq.runs import Run
from geovq.viz import tokenizer_style
from geovq.viz.arrays import Array

TOKENIZER, CODE, MEAN, IMAGE = "codebook_of", "codebook_code", "codebook_mean", "codebook_image"
_USUAL_RANK = 5  # by size: the largest codes are empty background


@dataclass(frozen=True)
class Choice:
    """What the page looks at.

    Attributes
    ----------
    names : tuple of str
        The tokenizers that lie side by side.
    tokenizer : str
        The one of them that is looked into.
    code : int
        One of its codes.
    usages : TokenUsage by name
        Of all tokenizers in `names`, on held-out images.
    image : int, optional
        Held-out image whose lattice codes are decoded in; None for the mean lattice.
    """

    names: tuple[str, ...]
    tokenizer: str
    code: int
    usages: Mapping[str, TokenUsage]
    image: int | None

    @property
    def label(self) -> str:
        """Name of the tokenizer that is looked into."""
        return tokenizer_style(self.tokenizer).label

    @property
    def context(self) -> str:
        """Where codes are decoded, in words."""
        return "mean lattice" if self.image is None else f"lattice of held-out image {self.image}"


def patches(run: Run, choice: Choice, name: str) -> Array:
    """What each code of a tokenizer paints in the centre cell."""
    return fetching.code_patches(run, name, choice.image)


def context_picker(n_images: int) -> int | None:
    """Choose the lattice that codes are decoded in; None is the mean lattice."""
    in_mean = st.toggle(
        "Decode in the mean lattice",
        value=True,
        key=MEAN,
        bind="query-params",
        help="A code has no picture of its own: the decoder also looks at the cells around it. "
        "Switch off to decode inside the lattice of one image.",
        persist_state="session",
    )
    if in_mean:
        return None
    start_with(IMAGE, 0, n_images - 1, "the held-out image")
    return int(st.number_input("Held-out image", 0, n_images - 1, key=IMAGE, bind="query-params") or 0)


def settled_tokenizer(names: list[str]) -> str:
    """The tokenizer to look into, before its widget is drawn: from the session, else the link, else the usual one."""
    linked = unread(TOKENIZER)
    linked = {tokenizer_style(name).label: name for name in names}.get(linked or "", linked)  # links carry labels
    if linked is not None and linked not in names:
        warn(f"The link looks into {brief(linked)}, which is not among the tokenizers above. You see another one.")
    chosen = st.session_state.get(TOKENIZER, linked)
    if chosen not in names:
        chosen = "riemannian" if "riemannian" in names else names[0]
    st.session_state[TOKENIZER] = chosen
    return str(chosen)


def code_picker(run: Run, names: list[str], image: int | None) -> Choice:
    """Draw what chooses a code: tokenizer, number, next in size, chance."""
    usages = {name: fetching.usage(run, name) for name in names}
    tokenizer = str(
        st.segmented_control(
            "Look into",
            names,
            required=True,
            format_func=lambda name: tokenizer_style(name).label,
            key=TOKENIZER,
            bind="query-params",
        )
    )
    counts = usages[tokenizer].counts
    last = len(counts) - 1
    start_with(CODE, int(by_size(counts)[min(_USUAL_RANK, last)]), last, "the code")
    code = st.number_input(
        f"Code, 0 to {last}", 0, last, key=CODE, bind="query-params", width=130, help="Or click one below."
    )
    rank = _rank(counts, int(code or 0))
    for label, step, icon in (("Larger", -1, "arrow_upward"), ("Smaller", 1, "arrow_downward")):
        st.button(
            label,
            icon=f":material/{icon}:",
            key=f"codebook_{label.lower()}",
            on_click=_set_rank,
            args=(counts, rank + step),
            disabled=not 0 <= rank + step <= last,
            help=f"The code with the next {label.lower()} number of held-out cells.",
        )
    st.button(
        "Random",
        icon=":material/casino:",
        key="codebook_random",
        on_click=lambda: choose(tokenizer, random.randrange(len(counts))),  # for a visitor: it needs no seed
    )
    return Choice(tuple(names), tokenizer, int(code or 0), usages, image)


def choose(tokenizer: str, code: int) -> None:
    """Look at another code; for callbacks."""
    st.session_state[TOKENIZER], st.session_state[CODE] = tokenizer, code


def picked_place(ids: list[Any], names: list[str]) -> None:
    """A code was clicked in one of several panels."""
    if ids:
        panel, code = np.ravel(ids[0]).astype(int).tolist()
        choose(names[panel], code)


def picked_tile(ids: list[Any], tokenizer: str, codes: Array) -> None:
    """A tile of a mosaic was clicked."""
    if ids:
        choose(tokenizer, int(codes[int(np.ravel(ids[0])[0])]))


def by_size(counts: Array) -> Array:
    """Codes from the largest number of held-out cells on."""
    return np.argsort(-counts, kind="stable")


def _rank(counts: Array, code: int) -> int:
    return int(np.flatnonzero(by_size(counts) == code)[0])


def _set_rank(counts: Array, rank: int) -> None:
    st.session_state[CODE] = int(by_size(counts)[rank])
