import math

import streamlit as st

from geovq.app import caching, findings, tables
from geovq.app.charts import show
from geovq.app.frame import require_frame
from geovq.app.pickers import pair_picker, require_tokenizers
from geovq.app.selection import provenance, selected_run
from geovq.app.wording import GLOSSARY
from geovq.viz import cell_maps_figure, tokenizer_style, usage_figure

require_frame()
st.title("Tokens")
st.markdown("How often is each code used, how evenly, and where in the image is there most to say?")

run = selected_run()
names = pair_picker(require_tokenizers(run), "tokens")
usages = {name: caching.usage(run, name) for name in names}
labels = {name: tokenizer_style(name).label for name in names}
n_images = f"{next(iter(usages.values())).n_images:,} held-out images, 49 tokens each"

for column, (name, usage) in zip(st.columns(len(names)), usages.items(), strict=True):
    n_codes = len(usage.counts)
    with column, st.container(border=True, height="stretch"):
        st.markdown(f"**{labels[name]}**")
        with st.container(horizontal=True):
            most = f"at most {math.log2(n_codes):.2f}"
            st.metric(f"Entropy, {most}", f"{usage.entropy_bits:.2f} bits", help=GLOSSARY["entropy"], width="content")
            st.metric(
                f"Perplexity, at most {n_codes}",
                f"{usage.perplexity:.1f}",
                help=GLOSSARY["perplexity"],
                width="content",
            )
            st.metric("Codes in use", f"{usage.n_used} of {n_codes}", help=GLOSSARY["dead"], width="content")

show(
    usage_figure({name: usage.counts for name, usage in usages.items()}),
    "tokens_usage",
    alt="Share of tokens per code, most used first, one panel per tokenizer; dead codes are crossed out",
    title=findings.usage_finding(usages),
    help="The dashed line is where all codes would be used equally often. "
    "Few bits per token are good only if the picture survives: see Compare.",
    caption=provenance(run, n_images),
    data=tables.usage_rows(usages),
)

maps = {labels[name]: usage.position_entropy_bits for name, usage in usages.items()}
row, column = findings.extreme_position(next(iter(maps.values())))
show(
    cell_maps_figure(maps, unit="entropy (bits)"),
    "tokens_positions",
    alt="Entropy of the tokens at each of the 7 by 7 positions, one map per tokenizer",
    title=f"Most varied at row {row}, column {column} ({labels[names[0]]}); the border says almost nothing new"
    if findings.border_is_quieter(next(iter(maps.values())))
    else f"Most varied at row {row}, column {column} ({labels[names[0]]})",
    help=f"{GLOSSARY['entropy']} Here over images, at one position of the lattice.",
    caption=provenance(run, n_images),
    data=tables.position_rows(maps, "entropy_bits"),
)
used_maps = {labels[name]: usage.position_used for name, usage in usages.items()}
show(
    cell_maps_figure(used_maps, unit="codes in use", digits=0),
    "tokens_used",
    alt="Number of different codes at each of the 7 by 7 positions, one map per tokenizer",
    title="Different codes at each position",
    help=GLOSSARY["code"],
    caption=provenance(run, n_images),
    data=tables.position_rows(used_maps, "codes_in_use"),
)
