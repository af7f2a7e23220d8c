"""Two points of latent space, A and B: chosen by a click, by number or by chance, and kept in the link."""

import random
from typing import Any

import numpy as np
import streamlit as st

from geovq.app.shared.links import start_with
from geovq.app.shared.scene import Scene
from geovq.app.shared.ways import bent_pair
from geovq.runs import Run

_KEYS = {"A": "geometry_first", "B": "geometry_second"}
_TURN, _IMAGE = "geometry_turn", "geometry_image"
_PAIR = (3, 8)  # classes of a preset: as digits, two that look alike


def picked_point(ids: list[Any]) -> None:
    """A landmark was clicked: it becomes A or B, in turn."""
    if not ids:
        return
    turn = st.session_state.get(_TURN) or "A"
    st.session_state[_KEYS[turn]] = int(np.ravel(ids[0])[0])
    st.session_state[_TURN] = "B" if turn == "A" else "A"


def point_pickers(run: Run, scene: Scene) -> tuple[int, int, int]:
    """Draw the pickers.

    Returns
    -------
    (int, int, int)
        Landmarks A and B, and the image of the sample in whose lattice the cell moves.
    """
    last = scene.n_landmarks - 1
    for (name, key), usual in zip(_KEYS.items(), bent_pair(run), strict=True):
        start_with(key, usual, last, f"point {name}")
    st.session_state.setdefault(_TURN, "A")
    start_with(_IMAGE, None, scene.n_images - 1, "the image")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("A click sets", list(_KEYS), required=True, key=_TURN)
        first, second = (
            int(st.number_input(f"{name}, 0 to {last}", 0, last, key=key, bind="query-params", width=112) or 0)
            for name, key in _KEYS.items()
        )
        image = st.number_input(
            "Lattice of image",
            0,
            scene.n_images - 1,
            value=None,
            key=_IMAGE,
            bind="query-params",
            placeholder="A's own",
            help="What a cell looks like depends on the cells around it. Both points stand in the same cell of this "
            "lattice, the one where A comes from. Empty: the lattice that A comes from.",
            width=130,
        )
        _presets(run, scene)
    return first, second, int(scene.places[first, 0] if image is None else image)


def _presets(run: Run, scene: Scene) -> None:
    st.button(
        "Bent way",
        icon=":material/conversion_path:",
        on_click=_set_bent,
        args=(run, None),
        help="Two landmarks far apart between which the straight line is a detour.",
    )
    if scene.classes is not None and max(_PAIR) < len(scene.class_names):
        first, second = (scene.class_names[label] for label in _PAIR)
        st.button(f"{first} → {second}", on_click=_set_bent, args=(run, _PAIR), help="The same, between two classes.")
    st.button(
        "Random", icon=":material/casino:", key="geometry_random", on_click=_set_random, args=(scene.n_landmarks,)
    )


def _set_bent(run: Run, classes: tuple[int, int] | None) -> None:
    _set(*bent_pair(run, classes))


def _set_random(n_landmarks: int) -> None:
    # For a visitor, not for an experiment: it needs no seed.
    _set(*random.sample(range(n_landmarks), 2))


def _set(first: int, second: int) -> None:
    st.session_state[_KEYS["A"]], st.session_state[_KEYS["B"]] = first, second
    st.session_state[_IMAGE] = None
