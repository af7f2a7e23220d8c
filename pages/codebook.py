import streamlit as st

from geovq.app.codebook.controls import settled_tokenizer
from geovq.app.codebook.page import one_code, search
from geovq.app.shared.fetching import usage
from geovq.app.shared.frame import require_frame
from geovq.app.shared.pickers import pair_picker, require_tokenizers
from geovq.app.shared.selection import selected_run

require_frame()
run = selected_run()
names = pair_picker(require_tokenizers(run), "codebook")
tokenizer = settled_tokenizer(names)
for name in names:
    usage(run, name)  # a tokenizer that cannot be read is said once, and ends the page
one_code(run, names, tokenizer)
search(run, tokenizer)

with st.expander("How this is measured", icon=":material/function:"):
    st.markdown("With medoids $m_1, \\dots, m_K$ among the landmarks, the **cell** of code $k$ is")
    st.latex(r"V_k = \{\, u : d(u, m_k) \le d(u, m_j) \text{ for all } j \,\},")
    st.markdown(
        "once with the straight distance in the active subspace and once with the geodesic distance $d_G$ over the "
        "landmark graph. A place between landmarks joins the graph at the landmark $l$ that makes "
        "$\\sqrt{(y - l)^\\top G_l\\,(y - l)} + d_G(l, m)$ least. **Areas** are sums over the landmarks of a code,"
    )
    st.latex(
        r"A^E_k = \sum_{l \in V_k} v_l, \qquad A^R_k = \sum_{l \in V_k} \sqrt{\det G_l}\; v_l, \qquad "
        r"v_l = \frac{\operatorname{vol}(B_1)\, r_k(l)^A}{k},"
    )
    st.markdown(
        "where $r_k(l)$ is the distance from $l$ to its $k$-th nearest landmark in the $A$ active directions: the ball "
        "of that radius holds $k$ landmarks, and each has a $k$-th part of it. Landmarks on one place share its part. "
        "Codes $j$ and $k$ **border** if an edge of the landmark graph leads from $V_j$ to $V_k$; that border is "
        "$d_G(m_j, m_k)$ long. The **medoid silhouette** is the mean over landmarks of $1 - d(u, m_1) / d(u, m_2)$ for "
        "the nearest and the second nearest medoid."
    )
