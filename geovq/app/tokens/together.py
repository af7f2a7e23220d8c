"""One held-out image whose tokens are chosen together: which cells change, and what that does to the picture."""

import numpy as np
import streamlit as st

from geovq.app.shared import fetching
from geovq.app.shared.cells import Cell
from geovq.app.shared.charts import show
from geovq.app.shared.decoders import DecoderName, decoded_tokens, decoder_picker, decoder_words
from geovq.app.shared.joint import Together, together
from geovq.app.shared.links import warn_of_unknown
from geovq.app.shared.mosaics import ERROR_LIMIT, compared_rows, originals_of
from geovq.app.shared.pickers import one_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.app.shared.tables import position_rows
from geovq.app.shared.wording import GLOSSARY
from geovq.app.tokens.data import edited
from geovq.evaluation.lone_changes import CancellingPair
from geovq.runs import Run
from geovq.tokenization.search import PriceKind
from geovq.viz import grey_tiles, map_colouring, mosaic_figure, signed_tiles, token_grids_figure, tokenizer_style
from geovq.viz.arrays import Array
from geovq.viz.token_cells import frame_cells

_OWN, _JOINT = "own rule", "together"
_PRICE, _KIND = "tokens_price", "tokens_price_kind"
_PRICES = ("0", "0.001", "0.002", "0.004", "0.006", "0.01", "0.02", "0.04", "0.1")
_USUAL_PRICE = "0.006"
_KINDS: dict[str, PriceKind] = {"of each code": "codes", "beside its neighbours": "context"}
_TILE = 128  # pixels of a picture
_MOST_CHANGES = 12  # that are shown as patches


@st.fragment
@guarded
def tokens_together(run: Run, names: list[str], index: int, class_name: str) -> None:
    """Both choices of tokens, cell by cell, the pictures that they paint, and two changes that need each other."""
    st.subheader("What if all tokens were chosen together?")
    st.markdown(
        "Neighbouring cells paint the same pixels, so their errors add up or cancel. The tokenizer's own rule looks at "
        "one cell at a time and cannot know; joint search chooses all cells of the image together."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = one_of(names, "tokens_joint_of")
        decoder = decoder_picker(run, name, "tokens_joint_refit")
        price, kind = _price_picker()
    found = together(run, name, decoder, index, float(price), kind)
    where = f"held-out image {index} ({class_name}), {tokenizer_style(name).label}{decoder_words(decoder)}"
    _numbers(found)
    caption = provenance(run, f"{where}, λ = {price}")
    _grids(run, name, found, caption)
    _pictures(run, index, found, caption)
    _changes(run, name, found, caption)
    _pair(run, name, decoder, index, found, caption)
    for note in found.notes:
        st.info(note, icon=":material/info:")


def _price_picker() -> tuple[str, PriceKind]:
    warn_of_unknown(_PRICE, _PRICES, "the price of a bit")
    price = st.select_slider(
        "Price λ of a bit (pixel²)",
        _PRICES,
        _USUAL_PRICE,
        key=_PRICE,
        bind="query-params",
        persist_state="session",
        width=250,
        help="Squared error, summed over the image, that one bit is worth. At 0 only the picture counts; the dearer a "
        "bit, the more error is accepted to save some.",
    )
    warn_of_unknown(_KIND, list(_KINDS), "the kind of price")
    kind = st.segmented_control(
        "Bits from the frequency",
        list(_KINDS),
        default=next(iter(_KINDS)),
        required=True,
        key=_KIND,
        bind="query-params",
        help="A token costs −log₂ of how frequent it is among the run's own tokens of the held-out images: of its code "
        "alone, or given the codes to the left of it and above it.",
    )
    return str(price), _KINDS[kind]


def _numbers(found: Together) -> None:
    own, joint, n_cells = found.own, found.joint, found.changed.size
    with st.container(horizontal=True):
        st.metric(
            "Error (MSE, pixel²)",
            f"{joint.mse:.5f}",
            _relative(joint.mse, own.mse),
            delta_color="inverse",
            delta_description=f"from {own.mse:.5f}",
            help="Mean squared difference to the original, per pixel (white is 1).",
            width="content",
        )
        st.metric(
            "Bits of the image",
            f"{joint.bits:.1f}",
            _relative(joint.bits, own.bits),
            delta_color="inverse",
            delta_description=f"from {own.bits:.1f}",
            help=f"At the prices of the search; {joint.bits / n_cells:.2f} bits per token.",
            width="content",
        )
        st.metric("Tokens changed", f"{int(found.changed.sum())} of {n_cells}", width="content")


def _relative(after: float, before: float) -> str:
    return f"{after / before - 1:+.0%}" if before else "–"


def together_finding(found: Together) -> str:
    """What choosing the tokens together did to error and bits."""
    n_changed = int(found.changed.sum())
    if not n_changed:
        return "Chosen together, all tokens stay as they are"
    parts = []
    for after, before, what in (
        (found.joint.mse, found.own.mse, "error"),
        (found.joint.bits, found.own.bits, "bits"),
    ):
        share = after / before - 1 if before else 0.0
        if abs(share) < 0.005:
            parts.append(f"the same {what}")
        else:
            parts.append(f"{abs(share):.0%} {('less' if what == 'error' else 'fewer') if share < 0 else 'more'} {what}")
    cells = "one token changes" if n_changed == 1 else f"{n_changed} of {found.changed.size} tokens change"
    return f"Chosen together, {cells}: {parts[0]} at {parts[1]}"


def _grids(run: Run, name: str, found: Together, caption: str) -> None:
    grids = {_OWN: found.own.tokens, _JOINT: found.joint.tokens}
    colours = map_colouring(run.tokenizers[name].codebook.numpy()).tolist()
    show(
        frame_cells(token_grids_figure(grids, dict.fromkeys(grids, colours)), found.changed, len(grids)),
        "tokens_together",
        alt="Codes of the cells by the tokenizer's own rule and chosen together; "
        f"{int(found.changed.sum())} cells that changed are framed",
        title=together_finding(found),
        help=f"Framed: the cell has another code. {GLOSSARY['code']}",
        caption=caption,
        data=position_rows(grids | {"error of this change alone": found.alone}, "value"),
    )


def _changes(run: Run, name: str, found: Together, caption: str) -> None:
    """Patches of the codes before and after, from the change that helps most by itself to the one that harms most."""
    cells = np.argwhere(found.changed)
    if not len(cells):
        return
    alone = found.alone[found.changed]
    order = np.argsort(alone, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, min(_MOST_CHANGES, len(order))).astype(int))]
    before, after = (choice.tokens[found.changed] for choice in (found.own, found.joint))
    patches = fetching.code_patches(run, name, None)
    texts = [
        f"row {row}, column {column}: code {old}, then {new}<br>this change alone: error {error:.5f} instead of "
        f"{found.own.mse:.5f}"
        for (row, column), old, new, error in zip(cells[shown], before[shown], after[shown], alone[shown], strict=True)
    ]
    show(
        mosaic_figure(
            np.stack([grey_tiles(patches[before[shown]]), grey_tiles(patches[after[shown]])]),
            row_labels=["own", "new"],
            column_labels=[
                f"{row}, {column}<br>{round(error / found.own.mse - 1, 3) + 0.0:+.1%}".replace("-", "−")
                for (row, column), error in zip(cells[shown], alone[shown], strict=True)
            ],
            tile_texts=texts * 2,
            tile_size=56,
        ).update_layout(margin_t=44),  # room for two lines above the patches
        "tokens_together_changes",
        alt=f"What the code of a cell paints before and after, in {len(shown)} cells that changed, and what each "
        "change alone does to the error",
        title=f"Made alone, {found.n_worse_alone} of the {len(cells)} changes would make this picture worse",
        help="Above each: row and column of the cell, and what its change does to the error if no other cell changes, "
        "from the best to the worst. Each code is painted in the centre of the mean lattice.",
        caption=" · ".join([of_total(len(shown), len(cells), "changes"), caption]),
        data={"row": cells[:, 0], "column": cells[:, 1], "own": before, "together": after, "mse_alone": alone},
    )


def _pictures(run: Run, index: int, found: Together, caption: str) -> None:
    decoded = {_OWN: found.own.decoded[None], _JOINT: found.joint.decoded[None]}
    labels, tiles = compared_rows(originals_of(run, (index,)), decoded, errors=True)
    show(
        mosaic_figure(
            tiles.swapaxes(0, 1), column_labels=[label.replace(", ", "<br>") for label in labels], tile_size=_TILE
        ).update_layout(margin_t=44),  # room for two lines above the pictures
        "tokens_together_pictures",
        alt=f"Image {index}, decoded from the tokens by the own rule and from those chosen together, and their errors",
        title="The picture that both paint, and its errors",
        help=f"Errors: red is too bright, blue too dark, full colour from a difference of {ERROR_LIMIT} (white is 1).",
        caption=caption,
    )


def _pair(run: Run, name: str, decoder: DecoderName, index: int, found: Together, caption: str) -> None:
    pair = found.pair
    if pair is None:
        return
    errors = decoded_tokens(run, name, decoder, _steps_of(pair, found)) - originals_of(run, (index,))
    rows, columns = around(pair, found.changed.shape, errors.shape[1:])
    show(
        mosaic_figure(
            signed_tiles(errors[:, rows, columns], ERROR_LIMIT)[None], column_labels=pair_labels(pair), tile_size=_TILE
        )
        .update_layout(margin_t=44)
        .update_xaxes(tickangle=0),
        "tokens_together_pair",
        alt="Errors around two cells that touch: before both changes, after each of them alone, and after both",
        title="Two changes that only help together",
        help="Errors around two cells that touch, in colours as above; the numbers are the error of the whole picture. "
        "Of all changes, these two need each other most: each alone raises the error, both together lower it.",
        caption=caption,
    )


def _steps_of(pair: CancellingPair, found: Together) -> Array:
    """Tokens before both changes, with each of them, and with both, (4, H, W)."""
    own, joint = found.own.tokens, found.joint.tokens
    steps: tuple[tuple[Cell, ...], ...] = ((), (pair.first,), (pair.second,), (pair.first, pair.second))
    return np.stack([edited(own, {cell: int(joint[cell]) for cell in cells}) for cells in steps])


def around(pair: CancellingPair, shape: tuple[int, ...], pixels: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the pixels of two cells and of the cells around them."""
    windows = []
    for cells, n_cells, n_pixels in zip(zip(pair.first, pair.second, strict=True), shape, pixels, strict=True):
        pitch = n_pixels // n_cells
        windows.append(slice(max(min(cells) - 1, 0) * pitch, min(max(cells) + 2, n_cells) * pitch))
    return windows[0], windows[1]


def pair_labels(pair: CancellingPair) -> list[str]:
    """Names of four pictures with their errors: before, each change alone, both."""
    first, second = (f"{row}, {column}" for row, column in (pair.first, pair.second))
    errors = {
        "own rule": pair.before,
        f"{first} alone": pair.first_alone,
        f"{second} alone": pair.second_alone,
        "both": pair.both,
    }
    return [f"{title}<br>{error:.5f}" for title, error in errors.items()]
