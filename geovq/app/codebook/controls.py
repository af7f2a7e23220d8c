"""Which code is looked at: of which tokenizer and by number, by a click, by its size or by chance; one for the page."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from geovq.app.codebook.caching import CENTRE
from geovq.app.shared import fetching
from geovq.app.shared.pickers import start_with
from geovq.app.shared.states import as_text
from geovq.app.shared.views import Array
from geovq.evaluation import TokenUsage
from geovq.runs import Run
from geovq.viz import tokenizer_style

OF, CODE, MEAN, IMAGE = "codebook_of", "codebook_code", "codebook_mean", "codebook_image"
_USUAL_RANK = 5  # by size: the largest codes are empty background


@dataclass(frozen=True)
class Choice:
    """What the page looks at.

    names : the tokenizers that were chosen; of : the one that is looked into; code : one of its codes; usages : of all
    names, on held-out images; image : held-out image whose lattice codes are decoded in, None for the mean lattice.
    """

    names: tuple[str, ...]
    of: str
    code: int
    usages: Mapping[str, TokenUsage]
    image: int | None

    @property
    def label(self) -> str:
        """Name of the tokenizer that is looked into."""
        return tokenizer_style(self.of).label

    @property
    def context(self) -> str:
        """Where codes are decoded, in words."""
        return "mean lattice" if self.image is None else f"lattice of held-out image {self.image}"


def patches(run: Run, choice: Choice, name: str) -> Array:
    """What each code of a tokenizer paints in the centre cell."""
    return fetching.code_patches(run, name, choice.image, CENTRE)


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
    linked = st.query_params.get(OF) if OF not in st.session_state else None
    linked = {tokenizer_style(name).label: name for name in names}.get(linked or "", linked)  # links carry labels
    if linked is not None and linked not in names:
        st.warning(
            f"The link looks into {as_text(linked)}, which is not among the tokenizers above. You see another one.",
            icon=":material/link_off:",
        )
    if st.session_state.get(OF, linked) not in names:
        st.session_state[OF] = "riemannian" if "riemannian" in names else names[0]
    elif linked is not None:
        st.session_state[OF] = linked
    return str(st.session_state[OF])


def code_picker(run: Run, names: list[str], image: int | None) -> Choice:
    """Draw what chooses a code: tokenizer, number, next in size, chance."""
    usages = {name: fetching.usage(run, name) for name in names}
    of = str(
        st.segmented_control(
            "Look into",
            names,
            required=True,
            format_func=lambda name: tokenizer_style(name).label,
            key=OF,
            bind="query-params",
        )
    )
    counts = usages[of].counts
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
        on_click=lambda: choose(of, random.randrange(len(counts))),  # for a visitor: it needs no seed
    )
    return Choice(tuple(names), of, int(code or 0), usages, image)


def choose(of: str, code: int) -> None:
    """Look at another code; for callbacks."""
    st.session_state[OF], st.session_state[CODE] = of, code


def picked_place(ids: list[Any], names: list[str]) -> None:
    """A code was clicked in one of several panels."""
    if ids:
        panel, code = np.ravel(ids[0]).astype(int).tolist()
        choose(names[panel], code)


def picked_tile(ids: list[Any], of: str, codes: Array) -> None:
    """A tile of a mosaic was clicked."""
    if ids:
        choose(of, int(codes[int(np.ravel(ids[0])[0])]))


def by_size(counts: Array) -> Array:
    """Codes from the largest number of held-out cells on."""
    return np.argsort(-counts, kind="stable")


def _rank(counts: Array, code: int) -> int:
    return int(np.flatnonzero(by_size(counts) == code)[0])


def _set_rank(counts: Array, rank: int) -> None:
    st.session_state[CODE] = int(by_size(counts)[rank])
