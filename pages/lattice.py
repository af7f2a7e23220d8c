import numpy as np
import streamlit as st

from geovq.app import caching
from geovq.app.charts import show
from geovq.app.frame import require_frame
from geovq.app.mosaics import ERROR_LIMIT, reconstruction_rows
from geovq.app.pickers import channel_picker, image_picker, one_tokenizer, tokenizers_of
from geovq.app.selection import provenance, selected_run
from geovq.app.states import empty_state
from geovq.app.views import VAE
from geovq.app.wording import GLOSSARY
from geovq.viz import cell_maps_figure, map_colouring, mosaic_figure, token_grids_figure, tokenizer_style

require_frame()
st.title("Lattice")
st.markdown("What does the autoencoder make of one image, and what is left of it when its latents become tokens?")

run = selected_run()
if VAE not in run.models:
    empty_state(
        "This run has no autoencoder yet",
        "The autoencoder is trained first; then its lattices can be shown.",
        link="train",
        label="Watch or resume it",
    )
    st.stop()

names = tokenizers_of(run)
with st.container(horizontal=True, vertical_alignment="bottom"):
    index, class_name = image_picker(run, "lattice")
    name = one_tokenizer("Tokenizer", names, "riemannian", "lattice_tokenizer", width=180) if names else None
    channel = channel_picker(run, "lattice_channel")

one = (index,)
labels, tiles = reconstruction_rows(run, one, [name] if name else [], errors=True)
show(
    mosaic_figure(tiles.swapaxes(0, 1), column_labels=labels, tile_size=150),
    "lattice_images",
    alt=f"Held-out image {index} ({class_name}), its reconstructions and their errors",
    title="From the image to its reconstructions",
    help=f"Errors: red is too bright, blue too dark, full colour from a difference of {ERROR_LIMIT} (white is 1).",
    caption=provenance(run, f"held-out image {index} ({class_name})"),
)

with st.container(horizontal=True):  # side by side where there is room, below each other where there is not
    with st.container(width=430):
        lattice = caching.passage(run, VAE, one).lattices[0, channel]
        show(
            cell_maps_figure({f"channel {channel}": lattice}, unit="latent value", signed=True),
            "lattice_channel_map",
            alt=f"Posterior mean of channel {channel} in each of the 7 by 7 cells",
            title=f"The lattice: channel {channel} in every cell",
            help=GLOSSARY["lattice"],
            caption=provenance(run),
            data={f"column {c}": lattice[:, c] for c in range(lattice.shape[1])},
        )
    with st.container(width=430):
        if name is None:
            empty_state("No tokenizer yet", "Once one is built, this shows the code of every cell.", icon="grid_off")
            st.stop()
        tokens = caching.passage(run, name, one).tokens[0]
        label = tokenizer_style(name).label
        show(
            token_grids_figure({label: tokens}, {label: map_colouring(run.tokenizers[name].codebook.numpy())}),
            "lattice_tokens",
            alt=f"Code of each of the 7 by 7 cells under the {label} tokenizer",
            title=f"The tokens: {len(np.unique(tokens))} different codes in 49 cells",
            help=f"{GLOSSARY['code']} Codes that lie side by side in latent space differ in colour.",
            caption=f"{label}, {run.tokenizers[name].n_codes} codes",
            data={f"column {c}": tokens[:, c] for c in range(tokens.shape[1])},
        )
