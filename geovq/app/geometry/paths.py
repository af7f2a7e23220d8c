"""Three ways from A to B: on the plane, as strips of pictures, and step by step."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from geovq.app.shared import plane_axes as axes
from geovq.app.shared.charts import data_table, show
from geovq.app.shared.plane_axes import described
from geovq.app.shared.scene import Scene
from geovq.app.shared.selection import provenance
from geovq.app.shared.ways import MeasuredCurve, path_finding, ways_between
from geovq.runs import Run
from geovq.viz import grey_tiles, mosaic_figure
from geovq.viz.arrays import Array
from geovq.viz.paths import DrawnCurve, curve_style, curves_figure, pixel_speed_figure

_EVERY = 2  # every how many points of a curve a picture is shown


def paths(run: Run, scene: Scene, first: int, second: int, image: int) -> None:
    """Draw everything about the ways between two landmarks."""
    found = ways_between(run, first, second, image)
    drawn = {name: DrawnCurve(curve.points, curve.step_lengths) for name, curve in found.items()}
    geometry = run.output_geometry
    st.markdown(f"#### {path_finding(found, geometry)}")
    st.caption(
        provenance(
            run,
            f"A: {described(scene, first)} · B: {described(scene, second)} · in the lattice of sampled image {image}",
        )
    )
    _strips(run, found)
    with st.container(horizontal=True):
        with st.container(width=380):
            show(
                curves_figure(axes.field_map(scene), drawn, axis_titles=axes.axis_titles(scene)),
                "geometry_curves",
                alt="Straight line, graph geodesic and relaxed geodesic from A to B over lines of equal magnification",
                title="The ways on the plane",
                help="Lines: equal magnification. The graph geodesic may only step from landmark to landmark, under "
                "the metric averaged over contexts; the relaxed one moves freely in this lattice.",
                caption=provenance(run, axes.plane_words(scene)),
                data=_points_table(found),
            )
        with st.container(width=420):
            show(
                pixel_speed_figure(drawn, geometry),
                "geometry_speed",
                alt=f"{geometry.speed} per step and cumulative {geometry.base} length of the three ways",
                title=evenness_finding(found),
                help=f"Speed: how far the picture moves in one step, {geometry.step}.",
                caption=provenance(run, f"{len(next(iter(drawn.values())).step_lengths)} steps each"),
                data=_steps_table(found),
            )
    data_table(
        curve_table(found),
        "geometry_lengths",
        columns={
            "length": st.column_config.NumberColumn(f"length ({geometry.length_in_brackets})", format="%.3f"),
            "against straight": st.column_config.NumberColumn("against straight (%)", format="%+.1f"),
            "energy": st.column_config.NumberColumn("energy (squared length)", format="%.3f"),
            "evenness": st.column_config.NumberColumn(format="%.3f", help="1 where every step changes it equally."),
        },
        caption="Length: sum of the steps. Energy: never below the squared length, and equal to it where all steps are "
        "equal. Evenness: their ratio.",
        alt="Length, energy and evenness of each way",
    )


def evenness_finding(ways: Mapping[str, MeasuredCurve]) -> str:
    """How evenly the picture changes along the straight line and along the geodesic."""
    straight, relaxed = ways["straight"].evenness, ways["relaxed"].evenness
    return f"Evenness of the change: {straight:.2f} straight, {relaxed:.2f} geodesic"


def curve_table(ways: Mapping[str, MeasuredCurve]) -> pd.DataFrame:
    """Length, energy and evenness, one row per way."""
    straight = ways["straight"].length
    return pd.DataFrame(
        {
            "way": [curve_style(name).label for name in ways],
            "length": [curve.length for curve in ways.values()],
            "against straight": [
                100 * (curve.length / straight - 1) if straight > 0 else None for curve in ways.values()
            ],
            "energy": [curve.energy for curve in ways.values()],
            "evenness": [curve.evenness for curve in ways.values()],
        }
    )


def _strips(run: Run, found: Mapping[str, MeasuredCurve]) -> None:
    whole = (
        st.segmented_control(
            "Pictures",
            ["footprint", "whole image"],
            default="footprint",
            required=True,
            key="geometry_strips",
            bind="query-params",
            help="The footprint holds the pixels that the moving cell can change; all others stand still.",
        )
        == "whole image"
    )
    pictures = [(curve.images if whole else curve.footprints)[::_EVERY] for curve in found.values()]
    columns = [str(step) for step in range(0, len(next(iter(found.values())).images), _EVERY)]
    n_rows, n_columns = pictures[0].shape[1:]
    show(
        mosaic_figure(
            np.stack([grey_tiles(part) for part in pictures]),
            row_labels=[curve_style(name).label for name in found],
            column_labels=columns,
        ),
        "geometry_strips_chart",
        alt="Decoded pictures at even steps along the straight line, the graph geodesic and the relaxed geodesic",
        title="What one sees on the way, by step",
        caption=provenance(
            run, f"{len(columns)} of {columns and int(columns[-1]) + 1} points, {n_rows} × {n_columns} pixels"
        ),
    )


def _points_table(found: Mapping[str, MeasuredCurve]) -> dict[str, Array]:
    return {f"{name}_{axis}": curve.points[:, i] for name, curve in found.items() for i, axis in enumerate(("x", "y"))}


def _steps_table(found: Mapping[str, MeasuredCurve]) -> dict[str, object]:
    steps = range(1, len(next(iter(found.values())).step_lengths) + 1)
    table: dict[str, object] = {"step": steps}
    for name, curve in found.items():
        table |= {f"{name}_speed": curve.step_lengths, f"{name}_length": curve.step_lengths.cumsum()}
    return table
