import streamlit as st

from geovq.app.lattice.page import one_picture
from geovq.app.shared.fetching import VAE
from geovq.app.shared.frame import require_frame
from geovq.app.shared.pickers import tokenizers_of
from geovq.app.shared.selection import selected_run
from geovq.app.shared.states import empty_state

require_frame()
run = selected_run()
if VAE not in run.models and not tokenizers_of(run):
    empty_state(
        "This run has no autoencoder yet",
        "The autoencoder is trained first; then its lattices can be shown.",
        link="train",
        label="Watch or resume it",
    )
    st.stop()

one_picture(run)

with st.expander("How this is measured", icon=":material/function:"):
    st.markdown(
        "The encoder gives every cell a Gaussian with mean $\\mu_c$ and standard deviation $\\sigma_c$ in each channel "
        "$c$. What it costs, against the prior $\\mathcal N(0, 1)$, is"
    )
    st.latex(r"\mathrm{KL} = \tfrac12 \sum_c \bigl(\mu_c^2 + \sigma_c^2 - 1 - \ln \sigma_c^2\bigr)\ \text{nats}.")
    st.markdown(
        "Let $y$ be the coordinates of one cell in the active directions, the few in which cells of real images vary "
        "(principal) or whose variation is seen in the picture (pixel), and $f$ the decoder with all other cells held "
        "fixed. Then"
    )
    st.latex(
        r"J = \frac{\partial f}{\partial y}, \qquad G = J^\top J, \qquad "
        r"\text{magnification} = \sqrt{\det G}, \qquad \|f(y + v) - f(y)\| \approx \|Jv\| = \sqrt{v^\top G\, v}."
    )
    st.markdown(
        "The **footprint** is all pixels that $f$ can change. The filled **ellipse** holds the steps $v$ with "
        "$v^\\top G\\,v$ = const. in the two strongest directions; the dashed one is the posterior there, "
        "$V^\\top \\operatorname{diag}(\\sigma^2)\\, V$ with the $V$ of $y = V^\\top (z - \\bar z)$. A code "
        "replaces the mean $\\mu$ of this cell alone."
    )
    st.markdown(
        "Of the whole lattice, $J^\\top J$ has a block $M_{ij} = J_i^\\top J_j$ for every two cells that share pixels. "
        "The **coupling** of two cells whose steps are $v_i$ and $v_j$ is"
    )
    st.latex(r"\frac{v_i^\top M_{ij}\, v_j}{\|J_i v_i\|\,\|J_j v_j\|}.")
