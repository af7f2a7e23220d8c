"""A surface whose geodesics are known in closed form: guess the shortest of three curves, then see."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st
import torch
from jaxtyping import Float
from torch import Tensor

from geovq.app.shared.charts import data_table, show
from geovq.app.shared.states import guarded
from geovq.geometry import measure_curve
from geovq.geometry.worlds import WORLDS, World
from geovq.randomness import make_rng
from geovq.viz.arrays import Array
from geovq.viz.field import FieldMap
from geovq.viz.worlds import chart_figure, surface_figure

NAMES = ("sphere", "swiss roll", "valley")
_N_POINTS, _RESOLUTION = 200, 60
_NO_BEND = 0.01  # of the chart's size: the geodesic cannot be told from the straight line
_DEFAULTS = {"sphere": (10, 75, 90, 75), "swiss roll": (2, 5, 98, 95), "valley": (10, 85, 90, 85)}  # % of the domain
_GUESS, _REVEALED = "geometry_guess", "geometry_revealed"
_EYES = {"sphere": (1.7, 0.4, 0.9), "swiss roll": (1.0, -1.9, 0.6), "valley": (1.7, 0.4, 0.7)}
_WHAT = {
    "straight": "straight line of the chart",
    "geodesic": "geodesic, in closed form",
    "mirrored": "the geodesic's mirror image",
}


@st.fragment
@guarded
def world_game() -> None:
    """Draw the game; it needs no run."""
    st.subheader(
        "Guess the shortest way",
        help="Surfaces in space, drawn as a flat chart, as the decoder's surface of pictures is drawn above. Here the "
        "geodesics are known exactly.",
    )
    name = str(
        st.segmented_control("World", NAMES, default="sphere", required=True, key="geometry_world", bind="query-params")
    )
    world = WORLDS[name]
    ends = _ends(world)
    curves = three_curves(world, *ends)
    if bend(world, curves) < _NO_BEND:
        st.info("Here the straight line is the geodesic. Move a point.", icon=":material/straight:")
        return
    named = dict(zip("ABC", _shuffled(curves, name, ends), strict=True))
    setting = (name, *(round(float(value), 6) for end in ends for value in end))
    revealed = st.session_state.get(_REVEALED) == setting
    with st.container(horizontal=True, vertical_alignment="bottom"):
        guess = st.radio("Which is the shortest?", list(named), index=None, horizontal=True, key=_GUESS)
        st.button(
            "Reveal",
            disabled=guess is None or revealed,
            type="primary",
            key="geometry_reveal",
            on_click=_reveal,
            args=(setting,),
        )
    lengths = {label: measure_curve(world.embed, curves[kind]).length for label, kind in named.items()}
    if revealed and guess is not None:
        st.markdown(f"**{verdict(lengths, named, guess)}**")
    with st.container(horizontal=True):
        with st.container(width=400):
            show(
                chart_figure(
                    chart_field(world),
                    {label: curves[kind].numpy() for label, kind in named.items()},
                    axis_titles=(world.coordinate_names[0], world.coordinate_names[1]),
                ),
                "geometry_world_chart",
                alt=f"Chart of the {name} with three curves between two points",
                title=f"The {name}, drawn flat",
                help="Brighter: the same step on the chart is longer on the surface.",
            )
        if not revealed:
            return
        with st.container(width=400):
            surface, magnification = _surface(world)
            show(
                surface_figure(
                    surface,
                    magnification,
                    {label: world.embed(curves[kind]).numpy() for label, kind in named.items()},
                    eye=_EYES[name],
                ),
                "geometry_world_surface",
                alt=f"The {name} in space with the same three curves",
                title="The same curves on the surface",
                help="Drag to turn it.",
            )
    data_table(
        pd.DataFrame(
            {
                "curve": list(named),
                "what it is": [_WHAT[kind] for kind in named.values()],
                "length": [round(length, 4) for length in lengths.values()],
            }
        ),
        "geometry_world_lengths",
        caption=f"Closed form: {float(world.geodesic_distance(ends[0][None], ends[1][None])):.4f}. "
        f"Gaussian curvature of the {name}: {world.curvature:g}.",
        alt="True lengths of the three curves",
    )


def _reveal(setting: tuple[str | float, ...]) -> None:
    st.session_state[_REVEALED] = setting


def three_curves(world: World, start: Float[Tensor, " 2"], end: Float[Tensor, " 2"]) -> dict[str, Float[Tensor, "T 2"]]:
    """Straight line of the chart, geodesic, and the geodesic's mirror image at the straight line."""
    geodesic = world.geodesic(start, end, _N_POINTS)
    along = end - start
    share = (geodesic - start) @ along / along.square().sum().clamp_min(1e-12)
    foot = start + share[:, None] * along
    straight = torch.lerp(start, end, torch.linspace(0, 1, _N_POINTS, dtype=start.dtype)[:, None])
    return {"straight": straight, "geodesic": geodesic, "mirrored": 2 * foot - geodesic}


def bend(world: World, curves: Mapping[str, Tensor]) -> float:
    """Largest distance between the geodesic and its mirror image, as a share of the chart's size."""
    size = max(high - low for low, high in world.domain)
    return float((curves["geodesic"] - curves["mirrored"]).norm(dim=1).max()) / (2 * size)


def verdict(lengths: Mapping[str, float], named: Mapping[str, str], guess: str) -> str:
    """Whether the guess was right, and by how much the shortest is shorter."""
    shortest = min(lengths, key=lambda label: lengths[label])
    straight = next(label for label, kind in named.items() if kind == "straight")
    saved = 1 - lengths[shortest] / lengths[straight]
    right = f"Right, {guess} is the shortest" if guess == shortest else f"No: {shortest} is the shortest, not {guess}"
    return f"{right}. It is {saved:.1%} shorter than {straight}, the straight line of the chart"


def chart_field(world: World) -> FieldMap:
    """Magnification over the domain, in closed form."""
    x, y = (np.linspace(low, high, _RESOLUTION) for low, high in world.domain)
    places = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    log10 = torch.linalg.det(world.metric(places)).log10() / 2
    return FieldMap(x, y, log10.reshape(len(y), len(x)).numpy())


def _surface(world: World) -> tuple[Array, Array]:
    field = chart_field(world)
    places = torch.from_numpy(np.stack(np.meshgrid(field.x, field.y), axis=-1).reshape(-1, 2))
    return world.embed(places).reshape(len(field.y), len(field.x), 3).numpy(), field.log10_magnification


def _ends(world: World) -> tuple[Tensor, Tensor]:
    """Two points by sliders, in percent of the chart."""
    labels = [f"{end}: {axis} (%)" for end in ("Start", "End") for axis in world.coordinate_names]
    prefix = f"geometry_{world.name.replace(' ', '_')}"
    with st.container(horizontal=True):
        shares = [
            st.slider(label, 0, 100, usual, key=f"{prefix}_{i}", bind="query-params", width=190)
            for i, (label, usual) in enumerate(zip(labels, _DEFAULTS[world.name], strict=True))
        ]
    low, high = torch.tensor(world.domain, dtype=torch.float64).T
    start, end = (
        low + (high - low) * torch.tensor(part, dtype=torch.float64) / 100 for part in (shares[:2], shares[2:])
    )
    return start, end


def _shuffled(curves: Mapping[str, Tensor], name: str, ends: tuple[Tensor, Tensor]) -> list[str]:
    # By the setting, so that a link and a second look show the same letters.
    kinds = sorted(curves)
    rng = make_rng(0, f"app/world/{name}/{[end.tolist() for end in ends]}")
    return [kinds[i] for i in rng.permutation(len(kinds))]
