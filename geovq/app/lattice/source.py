"""Which picture the page Lattice looks at: a held-out image, a drawing, or a file; in the link as well."""

import random
from dataclasses import dataclass

import streamlit as st

from geovq.app.lattice.canvas import drawing_area
from geovq.app.lattice.fitting import N_BYTES, centred, fit_file, from_canvas, from_link, to_link
from geovq.app.shared import fetching
from geovq.app.shared.pickers import start_with, warn_of_unknown
from geovq.app.shared.states import as_text, empty_state, error_box
from geovq.app.shared.wording import GLOSSARY
from geovq.errors import GeovqError
from geovq.runs import Run

_SOURCE, _CLASS, _IMAGE, _FILE, _CANVAS = (
    "lattice_source",
    "lattice_class",
    "lattice_image",
    "lattice_file",
    "lattice_canvas",
)
_HELD_OUT, _DRAWING, _FROM_FILE = "held-out", "drawing", "file"
_PIXELS = "lattice_pixels"  # of a drawing or file, in the link
_KEPT = {_DRAWING: "lattice_drawn", _FROM_FILE: "lattice_fitted"}  # where the session keeps them
_ANY = "any class"


@dataclass(frozen=True)
class Picture:
    """What is looked at. pixels : 784 grey values; name : for captions; note : how it was fitted, or nothing."""

    pixels: bytes
    name: str
    note: str = ""


def picture_picker(run: Run) -> Picture | None:
    """Draw the pickers; None, with a state that says what to do, while there is no picture."""
    _read_link()
    sources = [_HELD_OUT, _DRAWING, _FROM_FILE]
    warn_of_unknown(_SOURCE, sources, "the picture")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    source = row.segmented_control(
        "Picture",
        sources,
        required=True,
        default=_HELD_OUT,
        key=_SOURCE,
        bind="query-params",
        help="Held-out images are those that no model saw while it was trained. A drawing or a file stays on this "
        "machine; the link to this view holds its pixels.",
    )
    if source == _HELD_OUT:
        _write_link(None)
        with row:
            return _held_out(run)
    kept = _drawn() if source == _DRAWING else _from_file()
    _write_link(kept.pixels if kept else None)
    return _placed(run, kept) if kept else None


def _held_out(run: Run) -> Picture:
    images = fetching.held_out_of(run)
    labels = images.labels.tolist()
    classes = [_ANY, *images.class_names]
    warn_of_unknown(_CLASS, classes, "the class")
    wanted = st.selectbox("Class", classes, key=_CLASS, bind="query-params", help=GLOSSARY["held_out"], width=140)
    fitting = [i for i, label in enumerate(labels) if wanted in (_ANY, images.class_names[label])]
    last = len(fitting) - 1
    start_with(_IMAGE, 0, last, "the image")
    place = st.number_input(
        f"Number, 0 to {last}",
        0,
        last,
        key=_IMAGE,
        bind="query-params",
        help="Counts the images of the chosen class.",
        width=160,
    )
    st.button("Random", icon=":material/casino:", key="lattice_random", on_click=_pick_any, args=(len(fitting),))
    index = fitting[int(place or 0)]
    name = f"held-out image {index} ({images.class_names[labels[index]]})"
    return Picture(images.images[index].numpy().tobytes(), name)


def _drawn() -> Picture | None:
    kept = st.session_state.get(_KEPT[_DRAWING])
    with st.container(horizontal=True):
        drawing_area(_CANVAS, kept.pixels if kept else bytes(N_BYTES), keep_drawing)
        with st.container(width=320):
            st.markdown(
                "Draw with mouse, pen or finger. By keyboard: arrows move the pen, with Shift they draw, Space makes a "
                "dot."
            )
            if kept is None:
                empty_state("Nothing is drawn yet", "What you draw is shown here as the model sees it.", icon="draw")
    return kept


def keep_drawing() -> None:
    """The drawing area has sent what is on it; a callback."""
    pixels = from_canvas(st.session_state[_CANVAS].get("pixels"))
    if pixels is not None:
        st.session_state[_KEPT[_DRAWING]] = Picture(pixels, "a drawing") if any(pixels) else None


def _from_file() -> Picture | None:
    file = st.file_uploader(
        "An image, PNG or JPEG",
        type=["png", "jpg", "jpeg"],
        key=_FILE,
        help="28 × 28 is taken as it is; everything else is cropped, scaled and turned bright on dark, and the page "
        "says what was done.",
        width=420,
        on_change=_forget_file,
    )
    if file is not None:
        try:
            fitted = fit_file(file.getvalue(), file.name)
        except GeovqError as error:
            _forget_file()
            error_box(error)
            return None
        note = "; ".join(fitted.steps) or "taken as it is: 28 × 28, bright on dark"
        st.session_state[_KEPT[_FROM_FILE]] = Picture(fitted.pixels, f"file {file.name}", note)
    kept: Picture | None = st.session_state.get(_KEPT[_FROM_FILE])
    if kept is None:
        empty_state(
            "No file is chosen yet", "Choose an image above: a digit, a shoe, whatever you like.", icon="upload_file"
        )
    return kept


def _forget_file() -> None:
    st.session_state[_KEPT[_FROM_FILE]] = None  # not taken out of the link again either


def _placed(run: Run, picture: Picture) -> Picture:
    """Moved to where the images of MNIST have their centre of mass, if that is wanted, and with words for all of it."""
    is_mnist = run.config.data.dataset.startswith("mnist")
    if st.toggle(
        "Centre it",
        value=is_mnist,
        key="lattice_centre",
        bind="query-params",
        help="The digits of MNIST have their centre of mass in the middle; elsewhere a model meets what it never saw.",
    ):
        pixels, (down, right) = centred(picture.pixels)
        moved = f"moved by {down:+d} rows and {right:+d} columns, to its centre of mass" if down or right else ""
        picture = Picture(pixels, picture.name, "; ".join(filter(None, [picture.note, moved])))
    if picture.note:
        st.caption(f":material/crop: How it was fitted: {as_text(picture.note)}.")
    return picture


def _read_link() -> None:
    """Take a drawing or file out of the link, once per session."""
    text, source = st.query_params.get(_PIXELS), st.query_params.get(_SOURCE)
    if text is None or source not in _KEPT or _KEPT[source] in st.session_state:
        return
    pixels = from_link(text)
    if pixels is None:
        st.session_state[_KEPT[source]] = None
        st.warning("The picture in the link cannot be read; choose another one.", icon=":material/link_off:")
        return
    names = {_DRAWING: "a drawing", _FROM_FILE: "a file from the link"}
    note = "" if source == _DRAWING else "as the link holds it: 28 × 28, bright on dark"
    st.session_state[_KEPT[source]] = Picture(pixels, names[source], note)


def _write_link(pixels: bytes | None) -> None:
    text = None if pixels is None else to_link(pixels)
    if text == st.query_params.get(_PIXELS):
        return
    if text is None:
        del st.query_params[_PIXELS]
    else:
        st.query_params[_PIXELS] = text


def _pick_any(n_images: int) -> None:
    # A throw of the dice for a visitor: not an experiment, so it needs no seed.
    st.session_state[_IMAGE] = random.randrange(n_images)
