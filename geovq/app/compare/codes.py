"""The codes of both sides, each beside the one that paints most nearly the same."""

import numpy as np
import streamlit as st

from geovq.app.compare import data as compare_data
from geovq.app.compare.controls import names_of
from geovq.app.compare.data import Side
from geovq.app.shared.charts import show
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.viz import grey_tiles, mosaic_figure

_N_SHOWN = 16
_ENDS = ("most alike", "least alike")


@st.fragment
@guarded
def codes_section(a: Side, b: Side) -> None:
    """Partners in two rows, with how far apart they are."""
    matched = compare_data.matching(a, b)
    if matched is None:
        st.caption("The cells of these two decoders paint patches of different sizes, so codes cannot be matched.")
        return
    end = st.segmented_control(
        "Partners", _ENDS, default=_ENDS[0], required=True, key="compare_partners", persist_state="session"
    )
    chosen = np.arange(len(matched.distances))[:: 1 if end == _ENDS[0] else -1][:_N_SHOWN]
    pairs = matched.first[chosen], matched.second[chosen]
    tiles = np.stack([grey_tiles(compare_data.patches(side)[codes]) for side, codes in zip((a, b), pairs, strict=True)])
    texts = [f"{letter}: code {code}" for letter, codes in zip("AB", pairs, strict=True) for code in codes]
    left_over = abs(a.run.tokenizers[a.tokenizer].n_codes - b.run.tokenizers[b.tokenizer].n_codes)
    show(
        mosaic_figure(
            tiles,
            row_labels=["A", "B"],
            column_labels=[f"{distance:.3f}" for distance in matched.distances[chosen]],
            tile_texts=texts,
        ),
        "compare_codes",
        alt=f"Patches of {len(chosen)} codes of A above their partners in B, with the distance of each pair",
        title=f"Codes and their partners: half of the pairs differ by less than {np.median(matched.distances):.3f}",
        help="One-to-one, so that the squared differences of all patches sum to the least (Hungarian method). Above "
        "each pair: the root of the mean squared pixel difference. Codes are decoded in the middle of the mean lattice."
        + (f" {left_over} codes of the larger codebook have no partner." if left_over else ""),
        caption=provenance(
            a.run,
            f"{of_total(len(chosen), len(matched.distances), 'pairs')}, {end} · A: {names_of(a, b)[0]} · "
            f"B: {names_of(a, b)[1]}",
        ),
        data={"code_a": matched.first, "code_b": matched.second, "rms_difference": matched.distances},
    )
