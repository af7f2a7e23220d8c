import streamlit as st

from geovq.app import caching, findings, tables
from geovq.app.charts import show
from geovq.app.frame import require_frame
from geovq.app.pickers import one_tokenizer, tokenizers_of
from geovq.app.selection import of_total, provenance, selected_run
from geovq.app.states import empty_state
from geovq.app.wording import GLOSSARY
from geovq.viz import cell_maps_figure, grey_tiles, in_rows, mosaic_figure, tokenizer_style

N_COLUMNS = 16

require_frame()
st.title("Prior")
st.markdown(
    "Can a small Transformer that only ever saw tokens draw new images, and how well does it guess unseen ones?"
)

run = selected_run()
names = [name for name in tokenizers_of(run) if name in run.priors]
if not names:
    empty_state(
        "This run has no prior yet",
        f"{GLOSSARY['prior']} It is trained last, and only for the tokenizers named under `priors` in the settings.",
        link="train",
        label="Watch, resume or start a run",
    )
    st.stop()

defaults = run.config.sampling
with st.container(horizontal=True, vertical_alignment="bottom"):
    name = one_tokenizer("Tokenizer", names, "riemannian", "prior_tokenizer", width=180)
    temperature = st.slider(
        "Temperature",
        0.1,
        2.0,
        defaults.temperature,
        0.05,
        key="prior_temperature",
        help=GLOSSARY["temperature"],
        width=170,
    )
    top_p = st.slider("Top-p", 0.05, 1.0, defaults.top_p, 0.05, key="prior_top_p", help=GLOSSARY["top_p"], width=170)
    n_samples = st.select_slider("Samples", (16, 32, 64, 128), 64, key="prior_n", persist_state="session", width=150)
    seed = st.number_input(
        "Seed", 0, 2**31 - 1, 0, key="prior_seed", help="The same seed and settings draw the same images.", width=130
    )

label = tokenizer_style(name).label
samples = caching.drawn_samples(run, name, n_samples, temperature, top_p, int(seed))
show(
    mosaic_figure(in_rows(grey_tiles(samples), N_COLUMNS)),
    "prior_samples",
    alt=f"{n_samples} images drawn from the prior over {label} tokens",
    title=f"{n_samples} images that never existed",
    help=GLOSSARY["prior"],
    caption=provenance(run, f"{label} · temperature {temperature:g} · top-p {top_p:g} · drawn with seed {seed}"),
)

likelihood = caching.likelihood(run, name)
with st.container(horizontal=True, gap="large"):
    st.metric("Surprise per token", f"{likelihood.nll_nats_per_token:.3f} nats", help=GLOSSARY["nll"], width="content")
    st.metric("Surprise per image", f"{likelihood.nats_per_image:.1f} nats", help=GLOSSARY["nll"], width="content")
    st.metric("The same in bits", f"{likelihood.bits_per_image:.1f} bits", help=GLOSSARY["bits"], width="content")
row, column = findings.extreme_position(likelihood.position_nats)
show(
    cell_maps_figure({label: likelihood.position_nats}, unit="surprise (nats)"),
    "prior_positions",
    alt=f"Mean negative log-likelihood of the token at each of the 7 by 7 positions, prior over {label} tokens",
    title=f"Hardest to guess at row {row}, column {column}",
    help=f"{GLOSSARY['nll']} Tokens are guessed row by row, from those before.",
    caption=provenance(run, of_total(len(likelihood.per_image_nats), len(caching.held_out_of(run)), "held-out images")),
    data=tables.position_rows({label: likelihood.position_nats}, "nll_nats"),
)
st.page_link("pages/compare.py", label="Compare all priors", icon=":material/balance:")
