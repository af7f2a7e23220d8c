import streamlit as st

from geovq.app.geometry.plane import two_points
from geovq.app.geometry.umap import projections
from geovq.app.geometry.world import world_game
from geovq.app.shared.frame import require_frame
from geovq.app.shared.pickers import require_geometry
from geovq.app.shared.selection import selected_run

require_frame()
run = selected_run()
require_geometry(
    run, "After the autoencoder is trained, its decoder is differentiated at thousands of places of latent space."
)

two_points(run)
projections(run)
world_game()

with st.expander("How this is measured", icon=":material/function:"):
    st.markdown(
        "A small step $v$ of one cell moves the picture by $Jv$, where $J$ is the decoder's Jacobian in the cell's own "
        f"lattice. Its length {run.output_geometry.adverb} is therefore"
    )
    st.latex(r"\|Jv\| = \sqrt{v^\top G\,v}, \qquad G = J^\top J,")
    if run.output_geometry.formula:
        st.markdown(run.output_geometry.formula)
    st.markdown(
        "and $G$ is the **pullback metric**. $\\sqrt{\\det G}$ is the **magnification**; an **ellipse** is the set of "
        f"steps with $v^\\top G\\,v$ = const. A **geodesic** is a curve whose length {run.output_geometry.adverb} "
        "cannot be made shorter "
        "by bending it: on the graph of landmarks it is a shortest path with edges $\\sqrt{\\Delta^\\top \\tfrac12 "
        "(G_a + G_b)\\,\\Delta}$, and between the landmarks it is found by minimising the energy "
        "$\\sum_t \\|f(c_{t+1}) - f(c_t)\\|^2$."
    )
