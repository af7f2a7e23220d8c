"""Which codes lie beside each other more often than by chance."""

import numpy as np
import streamlit as st

from geovq.app.shared import fetching
from geovq.app.shared.charts import show
from geovq.app.shared.pickers import one_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.app.tokens import data
from geovq.evaluation.cooccurrence import CoOccurrence
from geovq.runs import Run
from geovq.viz import grey_tiles, mosaic_figure, tokenizer_style
from geovq.viz.arrays import Array
from geovq.viz.signed_table import MOST_COLUMNS, signed_table_figure

_MOST_PAIRS = 12
_AT_LEAST = 5.0  # pairs expected by chance, below which a pair is too rare to be listed


@st.fragment
@guarded
def companions(run: Run, names: list[str]) -> None:
    """A table of the most used codes, and the pairs that attract each other most."""
    st.subheader("Which codes lie beside each other?")
    name = one_of(names, "tokens_companions_of")
    found, label = data.companions(run, name), tokenizer_style(name).label
    counts = data.usage_in_class(run, name, None).counts
    codes = np.argsort(-counts, kind="stable")[: min(MOST_COLUMNS, int((counts > 0).sum()))]
    images = fetching.held_out_of(run)
    provided = f"{found.n_pairs:,} pairs of neighbours in {len(images):,} held-out images of {images.name}"
    show(
        signed_table_figure(
            found.attraction_bits[np.ix_(codes, codes)],
            _texts(found, codes),
            row_labels=[str(code) for code in codes],
            column_labels=[str(code) for code in codes],
            titles=("code, most used first", "code"),
            unit="attraction (bits)",
            is_square=True,
            height=520,
        ),
        "tokens_companions",
        alt=f"How much more or less often than by chance the {len(codes)} most used {label} codes are neighbours",
        title=f"{label}: knowing a neighbour saves {found.information_bits:.2f} bits of a token",
        help="Attraction: log₂ of how many times as often two codes are horizontal or vertical neighbours as they "
        "would be if neighbours did not know of each other (pointwise mutual information). + twice as often or more, − "
        "half as often or less. Its mean over all pairs is what a neighbour saves.",
        caption=provenance(run, f"{label}: {of_total(len(codes), len(counts), 'codes')}, {provided}"),
        data=_rows(found, codes),
    )
    _pairs(run, name, found, provided)


def _pairs(run: Run, name: str, found: CoOccurrence, provided: str) -> None:
    pairs = found.most_attracted(_MOST_PAIRS, at_least=_AT_LEAST)
    if not len(pairs):
        st.caption("No pair of different codes is frequent enough to be listed.")
        return
    patches = fetching.code_patches(run, name, None)
    first, second = pairs.T
    bits, met = found.attraction_bits[first, second], found.counts[first, second]
    show(
        mosaic_figure(
            np.stack([grey_tiles(patches[first]), grey_tiles(patches[second])]),
            column_labels=[f"{a} · {b}<br>{2**value:.1f} ×" for (a, b), value in zip(pairs, bits, strict=True)],
            tile_texts=[
                f"codes {a} and {b}: {n:,} pairs, {e:.1f} by chance"
                for a, b, n, e in zip(first, second, met, found.expected[first, second], strict=True)
            ]
            * 2,
            tile_size=60,
        ).update_layout(margin_t=44),
        "tokens_pairs",
        alt=f"Patches of the {len(pairs)} pairs of codes that are neighbours most above chance",
        title=f"Codes {first[0]} and {second[0]} are neighbours {2 ** bits[0]:.0f} times as often as by chance",
        help=f"Pairs of different codes, of which at least {_AT_LEAST:g} would be expected by chance, the most "
        "attracted first; above each, how many times as often they meet. Codes are decoded in the middle of the mean "
        "lattice.",
        caption=provenance(run, f"{len(pairs)} pairs, {provided}"),
        data={
            "first": first,
            "second": second,
            "pairs": met,
            "expected by chance": found.expected[first, second],
            "attraction (bits)": bits,
        },
    )


def _texts(found: CoOccurrence, codes: Array) -> list[list[str]]:
    return [
        [f"codes {a} and {b}: {found.counts[a, b]:,} pairs<br>{found.expected[a, b]:,.1f} by chance" for b in codes]
        for a in codes
    ]


def _rows(found: CoOccurrence, codes: Array) -> dict[str, Array]:
    first, second = (codes[side] for side in np.triu_indices(len(codes)))
    return {
        "first": first,
        "second": second,
        "pairs": found.counts[first, second],
        "expected by chance": found.expected[first, second],
        "attraction (bits)": found.attraction_bits[first, second],
    }
