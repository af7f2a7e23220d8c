import streamlit as st

from geovq.app import caching, findings, tables
from geovq.app.charts import data_table, show
from geovq.app.frame import require_frame
from geovq.app.mosaics import ERROR_LIMIT, reconstruction_rows
from geovq.app.pickers import one_tokenizer, require_tokenizers
from geovq.app.selection import of_total, provenance, selected_run
from geovq.app.states import empty_state
from geovq.app.wording import GLOSSARY
from geovq.evaluation import paired_difference
from geovq.viz import mosaic_figure, rate_distortion_figure

require_frame()
st.title("Compare")
st.markdown("The same images through every tokenizer: what does each of them lose, and what does it cost?")

run = selected_run()
names = require_tokenizers(run)
n_test = len(caching.held_out_of(run))
measured = {name: run.measurements[name] for name in ("vae", *names) if name in run.measurements}
rated = {name: values for name, values in measured.items() if name != "vae"}

if rated:
    summary = findings.best_finding(rated)
    show(
        rate_distortion_figure(tables.rate_points(run, rated)),
        "compare_plane",
        alt="Distortion against rate of every tokenizer of this run",
        title=summary or "Rate and distortion",
        help=f"Rate: {GLOSSARY['rate']} Distortion: {GLOSSARY['distortion']} Whiskers are two standard errors.",
        caption=provenance(run, tables.measured_on(rated)),
        data=tables.measurement_table(rated),
    )
    data_table(
        tables.measurement_table(measured),
        "compare_table",
        columns=tables.measurement_columns(),
        caption=provenance(run, tables.measured_on(measured)),
        alt="Rate, distortion, reconstruction and prior of every tokenizer",
    )
else:
    empty_state(
        "This run is not measured yet",
        "The last stage measures every tokenizer on held-out images. The pictures below are there already.",
        link="train",
        label="Watch or resume it",
        icon="speed",
    )

with st.container(horizontal=True, vertical_alignment="bottom"):
    first = st.number_input("First held-out image", 0, n_test - 1, key="compare_first", bind="query-params")
    n_shown = st.select_slider("Images", (6, 10, 16), 10, key="compare_n", persist_state="session")
    errors = st.toggle("Show errors", value=True, key="compare_errors", persist_state="session")
indices = tuple(range(int(first), min(int(first) + n_shown, n_test)))
labels, tiles = reconstruction_rows(run, indices, names, errors=errors)
show(
    mosaic_figure(tiles, row_labels=labels, column_labels=[str(index) for index in indices]),
    "compare_mosaic",
    alt="Rows of the same held-out images: original, autoencoder, each tokenizer, and the errors of each",
    title="The same images, and what each tokenizer changes",
    help=f"Errors: red is too bright, blue too dark, full colour from a difference of {ERROR_LIMIT} (white is 1).",
    caption=provenance(run, of_total(len(indices), n_test, "held-out images")),
)

if len(names) > 1:
    st.subheader("Is the difference real?", help="Per image, so what makes an image hard for both cancels out.")
    with st.container(horizontal=True):
        ours = one_tokenizer("This", names, "riemannian", "compare_ours")
        theirs = one_tokenizer("against", names, "kmeans", "compare_theirs")
    if ours == theirs:
        st.info("Choose two different tokenizers.", icon=":material/touch_app:")
    else:
        pair = [caching.measured_distortion(run, name) for name in (ours, theirs)]
        difference = paired_difference(*(part.per_image for part in pair))
        st.markdown(f"**{findings.paired_finding(difference, ours, theirs)}**")
        st.caption(provenance(run, of_total(difference.n, n_test, "held-out images, bootstrap over images")))
