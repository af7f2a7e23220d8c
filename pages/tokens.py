import streamlit as st

from geovq.app.shared.frame import require_frame
from geovq.app.shared.pickers import pair_picker, require_tokenizers
from geovq.app.shared.selection import selected_run
from geovq.app.tokens.companions import companions
from geovq.app.tokens.editor import one_image
from geovq.app.tokens.usage import by_class, by_position, overall

require_frame()
run = selected_run()
names = pair_picker(require_tokenizers(run), "tokens")
overall(run, names)
by_position(run, names)
by_class(run, names)
companions(run, names)
one_image(run, names)

with st.expander("How this is measured", icon=":material/function:"):
    st.markdown("With $p_k$ the share of code $k$ among all tokens of the held-out images,")
    st.latex(r"\text{entropy} = -\sum_k p_k \log_2 p_k, \qquad \text{perplexity} = 2^{\text{entropy}}.")
    st.markdown(
        "With $n_{ab}$ the number of horizontal or vertical neighbours that hold codes $a$ and $b$, $n$ that of all "
        "neighbours, $q_a$ the share of $a$ among their ends, and $p_{k \\mid c}$ the share of code $k$ among the "
        "tokens of class $c$,"
    )
    st.latex(
        r"\text{attraction}(a, b) = \log_2 \frac{n_{ab}}{\operatorname{E} n_{ab}}, \quad "
        r"\operatorname{E} n_{ab} = 2 n\, q_a q_b \;\; (a \ne b), \quad \operatorname{E} n_{aa} = n\, q_a^2, \qquad "
        r"\text{preference}(c, k) = \log_2 \frac{p_{k \mid c}}{p_k}."
    )
    st.markdown(
        "The means of both over what is observed are mutual informations: of two neighbouring tokens, and of a token "
        "and the class of its image."
    )
    st.markdown(
        "Tokens that are chosen together are those $t$, with vectors $c_t$, that minimise for an image $x$ and the "
        "decoder $f$"
    )
    st.latex(r"\|x - f(c_t)\|^2 + \lambda \sum_i -\log_2 p(t_i).")
    st.markdown(
        "Near such tokens $f$ is nearly linear, so the error is a quadratic form with a block for every two cells that "
        "share pixels. Cells take turns to choose among the 8 codes nearest to them, and a round is kept if the "
        "decoded sum fell."
    )
