"""Which landmark is asked, and for how many neighbours: by number, by a click, by its place among the worst cases."""

import random
from typing import Any

import numpy as np
import streamlit as st

from geovq.app.neighbourhoods.data import Agreement
from geovq.app.shared.links import start_with, unread, whole_number
from geovq.app.shared.scene import Scene

QUERY, K = "neighbourhoods_query", "neighbourhoods_k"
_FEWEST, _USUAL = 5, 10


def neighbour_count(agreement: Agreement) -> int:
    """Draw the slider of k."""
    most = agreement.most_neighbours
    fewest = min(_FEWEST, most - 1)
    linked = unread(K)
    asked = None if linked is None else whole_number(linked)
    value = st.session_state.get(K, _USUAL) if asked is None else asked
    st.session_state[K] = min(max(value, fewest), most)
    return int(st.slider("Neighbours k", fewest, most, key=K, bind="query-params", width=220))


def query_picker(scene: Scene, agreement: Agreement, k: int) -> int:
    """Draw the number of the landmark and the buttons that choose another; the worst case unless somebody chose."""
    last = scene.n_landmarks - 1
    start_with(QUERY, int(agreement.worst_first(k)[0]), last, "the landmark")
    query = st.number_input(
        f"Query landmark, 0 to {last}", 0, last, key=QUERY, bind="query-params", width=180, help="Or click one below."
    )
    st.button(
        "Next worst case",
        icon=":material/skip_next:",
        key="neighbourhoods_next",
        on_click=_set_next_worst,
        args=(agreement, k),
        help="The landmark with the least overlap after this one.",
    )
    st.button(
        "Random",
        icon=":material/casino:",
        key="neighbourhoods_random",
        on_click=lambda: choose(random.randrange(scene.n_landmarks)),  # for a visitor: it needs no seed
    )
    return int(query or 0)


def choose(landmark: int) -> None:
    """Ask another landmark; for callbacks."""
    st.session_state[QUERY] = landmark


def picked_query(ids: list[Any]) -> None:
    """A landmark was clicked."""
    if ids:
        choose(int(np.ravel(ids[0])[0]))


def next_worst(agreement: Agreement, k: int, query: int) -> int:
    """The worst case after a landmark, from the start again after the last; the first if it is none of them."""
    worst = agreement.worst_first(k)
    places = np.flatnonzero(worst == query)
    return int(worst[(int(places[0]) + 1) % len(worst)] if len(places) else worst[0])


def _set_next_worst(agreement: Agreement, k: int) -> None:
    choose(next_worst(agreement, k, int(st.session_state[QUERY])))
