"""What is measured in the cells of one picture: small maps; a click on any of them chooses a cell."""

from collections.abc import Callable

import streamlit as st

from geovq.app.lattice import data
from geovq.app.lattice import panels as panels
from geovq.app.lattice.cell import picked_cell
from geovq.app.lattice.data import has_geometry
from geovq.app.lattice.source import Picture
from geovq.app.shared.charts import show
from geovq.app.shared.fetching import N_CONTEXT_IMAGES, VAE
from geovq.app.shared.readable import theme
from geovq.app.shared.selection import provenance
from geovq.app.shared.states import empty_state, guarded
from geovq.runs import Run
from geovq.viz import tokenizer_style

_WIDTH = 176


def maps(run: Run, picture: Picture, tokenizer: str | None, model: str, channel: int) -> None:
    """Draw the maps that this autoencoder has."""
    st.subheader("What each cell says, and what it does")
    pixels, now = picture.pixels, theme()
    with st.container(horizontal=True):
        _draw(lambda: panels.information(run, model, pixels, now))
        _draw(lambda: panels.magnification(run, model, pixels, now))
        _draw(lambda: panels.means(run, model, pixels, channel, now))
        _draw(lambda: panels.deviations(run, model, pixels, channel, now))
        if tokenizer is not None:
            _draw(lambda: panels.tokens(run, tokenizer, pixels, now))
    if tokenizer is None:
        empty_state("No tokenizer yet", "Once one is built, this shows the code of every cell.", icon="grid_off")
    if model != VAE:
        st.info(
            f"{tokenizer_style(model).label} has an encoder and a decoder of its own. Its encoder returns one vector "
            "per cell, shown before it is replaced by a code, and no posterior: there is no uncertainty and no KL.",
            icon=":material/info:",
        )
    _caption(run, picture, model)


@guarded
def _caption(run: Run, picture: Picture, model: str) -> None:
    active = data.subspace(run, model)
    source = (
        "of the run's geometry" if has_geometry(run, model) else f"of the cells of {N_CONTEXT_IMAGES} held-out images"
    )
    which = f"in {active.n_active} active directions ({active.kind}) {source}"
    words = f"{picture.caption} · magnification measured on this lattice, {which}"
    st.caption(f"Click a cell to look into it below · {provenance(run, words)}")


@guarded
def _draw(make: Callable[[], panels.Panel | None]) -> None:
    panel = make()
    if panel is None:
        return
    with st.container(width=_WIDTH):
        show(
            panel.figure,
            panel.key,
            alt=panel.alt,
            title=panel.title,
            help=panel.help,
            data=panel.data,
            select=picked_cell,
        )
