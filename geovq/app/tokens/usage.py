"""How often codes are used: overall, by position, by class."""

import math
from collections.abc import Mapping

import numpy as np
import streamlit as st

from geovq.app.shared import fetching, findings, tables
from geovq.app.shared.cells import size_words
from geovq.app.shared.charts import show
from geovq.app.shared.pickers import one_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.app.shared.wording import GLOSSARY
from geovq.app.tokens import data
from geovq.evaluation import TokenUsage
from geovq.evaluation.class_usage import ClassUsage
from geovq.runs import Run
from geovq.viz import cell_maps_figure, tokenizer_style, usage_figure
from geovq.viz.arrays import Array
from geovq.viz.signed_table import MOST_COLUMNS, signed_table_figure

_ENTROPY, _USED = "entropy", "codes in use"
_ALL = "all classes"


def overall(run: Run, names: list[str]) -> None:
    """Entropy, perplexity and dead codes, and how often each code is used."""
    usages = {name: fetching.usage(run, name) for name in names}
    first = usages[names[0]]
    for column, (name, usage) in zip(st.columns(len(names)), usages.items(), strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"**{tokenizer_style(name).label}**")
            _numbers(usage)
    show(
        usage_figure({name: usage.counts for name, usage in usages.items()}),
        "tokens_usage",
        alt="Share of tokens per code, most used first, one panel per tokenizer; dead codes are crossed out",
        title=findings.usage_finding(usages),
        help="The dashed line is where all codes would be used equally often. "
        "Few bits per token are good only if the picture survives: see Compare.",
        caption=provenance(run, f"{first.n_images:,} held-out images, {first.position_used.size} tokens each"),
        data=tables.usage_rows(usages),
    )


def _numbers(usage: TokenUsage) -> None:
    n_codes = len(usage.counts)
    with st.container(horizontal=True):
        most = f"at most {math.log2(n_codes):.2f}"
        st.metric(f"Entropy, {most}", f"{usage.entropy_bits:.2f} bits", help=GLOSSARY["entropy"], width="content")
        st.metric(
            f"Perplexity, at most {n_codes}", f"{usage.perplexity:.1f}", help=GLOSSARY["perplexity"], width="content"
        )
        st.metric("Codes in use", f"{usage.n_used} of {n_codes}", help=GLOSSARY["dead"], width="content")


@st.fragment
@guarded
def by_position(run: Run, names: list[str]) -> None:
    """Maps over the lattice, of all images or of one class."""
    st.subheader("Where in the image is there most to say?")
    images = fetching.held_out_of(run)
    present = np.unique(images.labels.numpy()).tolist()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantity = st.segmented_control(
            "Map of", [_ENTROPY, _USED], default=_ENTROPY, required=True, key="tokens_map", bind="query-params"
        )
        wanted = st.selectbox(
            "Images of",
            [_ALL, *(images.class_names[label] for label in present)],
            key="tokens_map_class",
            bind="query-params",
            width=160,
        )
    label = None if wanted == _ALL else images.class_names.index(wanted)
    usages = {tokenizer_style(name).label: data.usage_in_class(run, name, label) for name in names}
    is_entropy = quantity == _ENTROPY
    maps = {
        title: usage.position_entropy_bits if is_entropy else usage.position_used for title, usage in usages.items()
    }
    shown = next(iter(maps.values()))
    show(
        cell_maps_figure(maps, unit="entropy (bits)" if is_entropy else _USED, digits=2 if is_entropy else 0),
        "tokens_positions",
        alt=f"{quantity} of the tokens at each of the {size_words(shown)} positions, one map per tokenizer",
        title=_position_finding(maps, usages, label is None, str(wanted)),
        help=f"{GLOSSARY['entropy']} Here over images, at one position of the lattice."
        if is_entropy
        else f"Different codes that occur at one position of the lattice. {GLOSSARY['code']}",
        caption=provenance(
            run,
            f"{of_total(next(iter(usages.values())).n_images, len(images), f'held-out images of {images.name}')}, "
            f"{wanted}",
        ),
        data=tables.position_rows(maps, "entropy_bits" if is_entropy else "codes_in_use"),
    )


def _position_finding(maps: Mapping[str, Array], usages: Mapping[str, TokenUsage], is_all: bool, wanted: str) -> str:
    title, values = next(iter(maps.items()))
    row, column = findings.extreme_position(values)
    text = f"Most varied at row {row}, column {column} ({title})"
    if not is_all:
        return f"Images of “{wanted}”: {text[0].lower()}{text[1:]}, {usages[title].entropy_bits:.2f} bits per token"
    return f"{text}; the border says almost nothing new" if findings.border_is_quieter(values) else text


@st.fragment
@guarded
def by_class(run: Run, names: list[str]) -> None:
    """Which classes use a code more than others do."""
    st.subheader("What does one token tell about the class?")
    name = one_of(names, "tokens_class_of")
    usage, class_names = data.usage_by_class(run, name), fetching.held_out_of(run).class_names
    totals = usage.counts.sum(axis=0)
    n_used = int((totals > 0).sum())
    codes = np.argsort(-totals, kind="stable")[: min(MOST_COLUMNS, n_used)]
    bits, label = usage.preference_bits[:, codes], tokenizer_style(name).label
    show(
        signed_table_figure(
            bits,
            _class_texts(usage, codes, class_names),
            row_labels=class_names,
            column_labels=[str(code) for code in codes],
            titles=("code, most used first", "class"),
            unit="preference (bits)",
            limit=2.0,
            height=360,
        ),
        "tokens_classes",
        alt=f"How much more or less often each class uses the {len(codes)} most used {label} codes",
        title=f"One {label} token tells {usage.information_bits:.2f} of the {_class_bits(usage):.2f} bits of the class",
        help="Preference: log₂ of how many times as often images of a class use a code as all images do. + twice as "
        "often or more, − half as often or less. What a token tells is the mutual information of the code and the "
        "class of its image, one cell alone.",
        caption=provenance(
            run,
            f"{label}: {of_total(len(codes), len(totals), 'codes')}, {int(usage.n_images.sum()):,} held-out images of "
            f"{fetching.held_out_of(run).name}",
        ),
        data={"code": codes} | {str(c): usage.counts[i, codes] for i, c in enumerate(class_names)},
    )


def _class_texts(usage: ClassUsage, codes: Array, class_names: tuple[str, ...]) -> list[list[str]]:
    factors = 2.0 ** usage.preference_bits[:, codes]
    return [
        [
            f"code {code}, class {name}: {usage.counts[row, code]:,} tokens<br>{factors[row, place]:.2f} times as often"
            for place, code in enumerate(codes)
        ]
        for row, name in enumerate(class_names)
    ]


def _class_bits(usage: ClassUsage) -> float:
    shares = usage.n_images[usage.n_images > 0] / usage.n_images.sum()
    return float(-(shares * np.log2(shares)).sum())
