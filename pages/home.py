import streamlit as st

from geovq.app import caching, findings, tables
from geovq.app.charts import data_table, show
from geovq.app.frame import page_file, require_frame
from geovq.app.mosaics import reconstruction_rows
from geovq.app.selection import known_runs, of_total, provenance, selected_run
from geovq.viz import mosaic_figure

N_IMAGES = 12

require_frame()
st.title("The geometry of a latent space, made visible")
st.markdown(
    "geovq trains an autoencoder on small pictures, measures how its decoder bends latent space, and replaces latents "
    "by a few **codes** chosen with that geometry in mind. Here you see what this changes, and by how much."
)

runs = known_runs()
run = selected_run()
names = [name for name in run.config.tokenizers if name in run.tokenizers]
if names:
    indices = tuple(range(N_IMAGES))
    labels, tiles = reconstruction_rows(run, indices, names, errors=False)
    finding = findings.best_finding(run.measurements)
    show(
        mosaic_figure(tiles, row_labels=labels, tile_size=70),
        "home_mosaic",
        alt="Held-out images above their reconstructions by the autoencoder and by each tokenizer",
        title=finding or "The same images, through each tokenizer",
        help="Distortion and bits per token are explained on the page Compare.",
        caption=provenance(run, of_total(N_IMAGES, len(caching.held_out_of(run)), "held-out images")),
    )

steps = (
    ("lessons", "New here?", "school", "Short scenes: look, answer a question, see why."),
    ("train", "1. Train", "model_training", "Choose a preset, change what you like, press start and watch it learn."),
    ("codebook", "2. Look inside", "apps", "See the codes as pictures, where they lie, and which of them are used."),
    ("compare", "3. Judge", "balance", "The same images through every tokenizer: what is lost, and what it costs."),
)
row = st.container(horizontal=True)  # side by side where there is room
for page, label, icon, text in steps:
    with row.container(border=True, width=228, height="stretch"):
        st.page_link(page_file(page), label=f"**{label}**", icon=f":material/{icon}:")
        st.markdown(text)

st.subheader("Runs")
data_table(
    tables.run_table(runs.values()),
    "home_runs",
    columns=tables.run_columns(),
    caption="Choose a run in the sidebar to look into it. Distortion is measured on held-out images.",
    alt="All runs with their state and headline numbers",
)
