"""The page Lattice: a picture, what is measured in its cells, and one cell to try."""

import streamlit as st

from geovq.app.lattice import data
from geovq.app.lattice.cell import cell_view
from geovq.app.lattice.fitting import grey_values
from geovq.app.lattice.maps import maps
from geovq.app.lattice.source import Picture, picture_picker
from geovq.app.shared.charts import show
from geovq.app.shared.fetching import VAE
from geovq.app.shared.links import start_with, write
from geovq.app.shared.mosaics import ERROR_LIMIT, compared_rows
from geovq.app.shared.pickers import one_tokenizer, tokenizers_of
from geovq.app.shared.selection import provenance
from geovq.app.shared.states import guarded
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.runs.stages.workspace import autoencoder_of
from geovq.viz import mosaic_figure, tokenizer_style
from geovq.viz.arrays import Array

_CHANNEL = "lattice_channel"


@st.fragment
@guarded
def one_picture(run: Run) -> None:
    """Everything that belongs to one picture."""
    picture = picture_picker(run)
    if picture is None:
        return
    names = tokenizers_of(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tokenizer = one_tokenizer("Tokenizer", names, "riemannian", "lattice_tokenizer", width=180) if names else None
        model = VAE if tokenizer is None else autoencoder_of(tokenizer)
        channel = _channel_picker(run, model)
    _reconstructions(run, picture, tokenizer)
    maps(run, picture, tokenizer, model, channel)
    cell_view(run, picture, tokenizer, model)


def _channel_picker(run: Run, model: str) -> int:
    """Choose a latent channel; the most active one stands first."""
    shares = data.channel_shares(run, model)
    ranking = [int(channel) for channel in shares.argsort()[::-1]]
    start_with(_CHANNEL, ranking[0], len(ranking) - 1, "the channel")
    chosen: int = st.selectbox(
        "Channel, most active first",
        ranking,
        format_func=lambda channel: f"{channel} ({shares[channel]:.1%} of variance)",
        key=_CHANNEL,
        help=GLOSSARY["channel"],
        width=210,
    )
    write(_CHANNEL, str(chosen))  # not bound: the link would hold the words of the option
    return chosen


def _reconstructions(run: Run, picture: Picture, tokenizer: str | None) -> None:
    decoded: dict[str, Array] = {}
    if VAE in run.models:
        decoded["VAE"] = data.look(run, VAE, picture.pixels).decoded[None]
    if tokenizer is not None:
        decoded[tokenizer_style(tokenizer).label] = data.passage(run, tokenizer, picture.pixels).decoded
    labels, tiles = compared_rows(grey_values(picture.pixels, run.image_shape[1:])[None] / 255, decoded, errors=True)
    show(
        mosaic_figure(tiles.swapaxes(0, 1), column_labels=labels, tile_size=120),
        "lattice_images",
        alt=f"The picture, {picture.name}, its reconstructions and their errors",
        title="From the picture to its reconstructions",
        help=f"Errors: red is too bright, blue too dark, full colour from a difference of {ERROR_LIMIT} (white is 1).",
        caption=provenance(run, picture.caption),
    )
