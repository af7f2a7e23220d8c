import streamlit as st

from geovq.app.neighbourhoods.page import graph_pieces, one_landmark
from geovq.app.shared.frame import require_frame
from geovq.app.shared.pickers import require_geometry
from geovq.app.shared.scene import scene_of
from geovq.app.shared.selection import selected_run

require_frame()
run = selected_run()
require_geometry(
    run, "Neighbours by geodesic need the metric of the decoder, which is measured after the autoencoder is trained."
)

scene_of(run)  # a geometry that cannot be shown is said once, and ends the page
one_landmark(run)
graph_pieces(run)

with st.expander("How this is measured", icon=":material/function:"):
    st.markdown("Between two landmarks $u$ and $v$, coordinates in the active subspace, with metric tensors $G$:")
    st.latex(
        r"d_E(u,v) = \|u - v\|, \qquad "
        r"d_G(u,v) = \min_{\text{paths } u = x_0, \dots, x_T = v} \sum_t "
        r"\sqrt{\Delta_t^\top \tfrac12 (G_{x_t} + G_{x_{t+1}})\,\Delta_t}, \qquad "
        r"d_P(u,v) = \|f(u) - f(v)\|,"
    )
    st.markdown(
        "where $\\Delta_t = x_{t+1} - x_t$ runs along edges of the landmark graph and $f$ decodes the centre cell of "
        "the mean lattice. With $N_k(u)$ the $k$ nearest landmarks of $u$ and $\\rho$ the ranks of the $m$ nearest by "
        "$d_E$,"
    )
    st.latex(
        r"\text{overlap@}k = \frac{|N_k^E(u) \cap N_k^G(u)|}{k}, \qquad "
        r"\text{rank correlation} = \operatorname{corr}\bigl(\rho(d_E), \rho(d_G)\bigr)."
    )
    st.markdown(
        "Landmarks that lie exactly on another one, as empty corners of images do, are one place and counted once. "
        "$G$ at a landmark is the mean over its nearest cells, each in the lattice of its own image, while pixels are "
        "compared in the mean lattice: the third column checks the second, it does not define it."
    )
