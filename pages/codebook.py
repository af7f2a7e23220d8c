import numpy as np
import streamlit as st

from geovq.app import caching
from geovq.app.charts import show
from geovq.app.frame import require_frame
from geovq.app.pickers import pair_picker, require_tokenizers
from geovq.app.selection import of_total, provenance, selected_run
from geovq.app.states import empty_state
from geovq.app.wording import GLOSSARY
from geovq.viz import cluster_size_figure, grey_tiles, in_rows, landmarks_figure, mosaic_figure, tokenizer_style

CENTRE = (3, 3)
N_COLUMNS = 16
MAX_SHOWN = 256

require_frame()
st.title("Codebook")
st.markdown("What do the codes look like, how much work does each of them do, and where in latent space do they lie?")

run = selected_run()
names = pair_picker(require_tokenizers(run), "codebook")
n_test = len(caching.held_out_of(run))
with st.container(horizontal=True, vertical_alignment="bottom"):
    in_mean = st.toggle(
        "Decode in the mean lattice",
        value=True,
        key="codebook_mean",
        help="A code has no picture of its own: the decoder also looks at the cells around it. "
        "Switch off to decode inside the lattice of one image.",
        persist_state="session",
    )
    image = None
    if not in_mean:
        image = int(st.number_input("Held-out image", 0, n_test - 1, key="codebook_image", persist_state="session"))

usages = {name: caching.usage(run, name) for name in names}
context = "mean lattice" if image is None else f"lattice of held-out image {image}"
row = st.container(horizontal=True)  # side by side where there is room
for name in names:
    counts = usages[name].counts
    order = np.argsort(-counts, kind="stable")[:MAX_SHOWN]
    patches = caching.code_patches(run, name, image, CENTRE)
    style = tokenizer_style(name)
    n_columns = N_COLUMNS // len(names)
    with row.container(width=455 if len(names) > 1 else "stretch"):
        show(
            mosaic_figure(
                in_rows(grey_tiles(patches[order]), n_columns),
                tile_labels=[str(code) for code in order],
                tile_texts=[f"code {code}: {counts[code]:,} held-out cells" for code in order],
                tile_size=48,
            ),
            f"codebook_patches_{name}",
            alt=f"Decoded patches of the codes of the {style.label} tokenizer, largest cluster first",
            title=f"{style.label}: its codes as pictures, most used first",
            help=f"The pixels that the centre cell can change, with each code in that cell. {GLOSSARY['code']}",
            caption=provenance(run, f"{of_total(len(order), len(counts), 'codes')} in the {context}"),
            data={"code": order, "held-out cells": counts[order]},
        )

sizes = {name: usage.counts for name, usage in usages.items()}
show(
    cluster_size_figure(sizes, unit="held-out cells"),
    "codebook_sizes",
    alt="Cluster sizes in held-out cells, largest first, one panel per tokenizer",
    title="How many held-out cells each code stands for",
    help="A cluster is all cells that are replaced by one code. The dashed line is where all would be equally large.",
    caption=provenance(run, f"{usages[names[0]].n_images:,} held-out images, 49 cells each"),
    data={"rank": range(1, max(map(len, sizes.values())) + 1)}
    | {f"{name}, held-out cells": np.sort(counts)[::-1] for name, counts in sizes.items()},
)

planes = {name: found for name in names if (found := caching.landmark_plane(run, name))}
if not planes:
    empty_state(
        "These tokenizers have no landmarks",
        "Only the Euclidean and the Riemannian tokenizer stand on a graph of landmarks. Choose one of them above.",
        icon="scatter_plot",
    )
    st.stop()
first, shares = next(iter(planes.values()))
show(
    landmarks_figure(
        {name: plane for name, (plane, _) in planes.items()},
        axis_titles=tuple(
            f"direction {i} ({100 * share:.0f} % of variance)" for i, share in enumerate(shares, start=1)
        ),
    ),
    "codebook_landmarks",
    alt="Landmarks in the two strongest latent directions, coloured by code, with the medoids as diamonds",
    title=f"Where the codes lie: two directions that carry {100 * shares.sum():.0f} % of the variance",
    help=f"{GLOSSARY['landmark']} {GLOSSARY['medoid']} Diamonds are medoids. Neighbouring codes differ in colour; "
    "colours repeat.",
    caption=provenance(run, f"{len(first.labels):,} landmarks, {len(first.medoids)} medoids"),
    data={"x": first.positions[:, 0], "y": first.positions[:, 1]}
    | {f"{name}, code": plane.labels for name, (plane, _) in planes.items()},
)
