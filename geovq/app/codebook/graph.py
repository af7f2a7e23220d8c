"""The codes as a graph: who borders whom, and how far apart they are by geodesic."""

import numpy as np
import streamlit as st

from geovq.app.codebook import data
from geovq.app.codebook.controls import Choice
from geovq.app.shared.charts import show
from geovq.app.shared.selection import provenance
from geovq.runs import Run
from geovq.viz.code_graph import code_graph_figure

_MANY, _LARGE, _SMALL = 100, 0.06, 0.04  # codes, and the size of their pictures as a share of the paper


def code_graph(run: Run, choice: Choice) -> None:
    """Draw the graph of the tokenizer that is looked into."""
    st.subheader("Which codes are neighbours?")
    graph, places = data.code_graph(run, choice.tokenizer)
    n_codes, n_borders = len(places), len(graph.pairs)
    pictures = data.patches_in_graph(run, choice.tokenizer, choice.image, _SMALL if n_codes > _MANY else _LARGE)
    spread = np.quantile(graph.lengths, [0.1, 0.9]) if n_borders else np.ones(2)
    show(
        code_graph_figure(places, graph.pairs, graph.lengths, pictures, choice.code, unit=run.output_geometry.length),
        "codebook_graph",
        alt=f"Graph of the {choice.label} codes; code {choice.code} and its borders are stressed",
        title=f"A code borders {2 * n_borders / n_codes:.1f} others on average; a tenth of the borders are shorter "
        f"than {spread[0]:.2g}, a tenth longer than {spread[1]:.2g}",
        help="Two codes border where an edge of the landmark graph joins their geodesic cells. The border is as long, "
        f"{run.output_geometry.adverb}, as the geodesic between the two medoids. Codes are laid out so that distances "
        "on paper come near to all geodesic distances (Kamada and Kawai); the axes mean nothing.",
        caption=provenance(
            run,
            f"{choice.label}: {n_codes} codes, {n_borders:,} borders, {int(pictures.is_drawn.sum())} codes as pictures",
        ),
        data={
            "first": graph.pairs[:, 0],
            "second": graph.pairs[:, 1],
            f"geodesic ({run.output_geometry.length_short})": graph.lengths,
            "landmark edges": graph.n_edges,
        },
    )
