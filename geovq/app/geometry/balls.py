"""A Euclidean disc and a geodesic ball around A that grow together."""

import numpy as np
import streamlit as st

from geovq.app.geometry.measured import disc_and_ball
from geovq.app.shared import plane_axes as axes
from geovq.app.shared.charts import show
from geovq.app.shared.plane_axes import described
from geovq.app.shared.scene import scene_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.runs import Run
from geovq.viz.balls import balls_figure


@st.fragment
@guarded
def balls(run: Run, centre: int) -> None:
    """Draw both under one slider."""
    scene = scene_of(run)
    st.subheader("Who is near?", help="Straight distance and geodesic distance disagree on who the neighbours are.")
    share = st.slider(
        "Landmarks inside each (%)", 1, 60, 10, key="geometry_share", bind="query-params", width=420, format="%d %%"
    )
    found = disc_and_ball(scene, centre, share / 100)
    show(
        balls_figure(
            scene.positions, centre, found.in_disc, found.in_ball, found.radius, axis_titles=axes.axis_titles(scene)
        ),
        "geometry_balls",
        alt="Landmarks near A: only in the Euclidean disc, only in the geodesic ball, in both, in neither",
        title=f"{found.overlap:.0%} of the landmarks nearest to A in latent space are also the nearest by geodesic",
        help="Both hold the same number of landmarks. The circle is the edge of the disc"
        + ("." if scene.is_exact else ", seen from above: directions that are not shown count too."),
        caption=provenance(
            run,
            f"{of_total(found.n_inside, scene.n_landmarks, 'landmarks in each')} · around {described(scene, centre)} · "
            f"radius {found.radius:.3g} latent units, and {found.geodesic_radius:.3g} {run.output_geometry.length}",
        ),
        data={
            "landmark": np.arange(scene.n_landmarks),
            "x": scene.positions[:, 0],
            "y": scene.positions[:, 1],
            "in_disc": found.in_disc,
            "in_ball": found.in_ball,
        },
    )
