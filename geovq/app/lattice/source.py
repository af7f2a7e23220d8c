"""Which picture the page Lattice looks at: a held-out image, a drawing, or a file; in the link as well."""

import math
from dataclasses import dataclass
from functools import partial

import streamlit as st

from geovq.app.lattice.canvas import drawing_area
from geovq.app.lattice.fitting import Shape, centred, fit_file, from_canvas, from_link, to_link
from geovq.app.shared import fetching
from geovq.app.shared.links import parameter, warn, warn_of_unknown, write
from geovq.app.shared.markdown import as_text
from geovq.app.shared.pickers import image_picker
from geovq.app.shared.states import empty_state, error_box
from geovq.errors import GeovqError
from geovq.runs import Run

_SOURCE, _FILE, _CANVAS = "lattice_source", "lattice_file", "lattice_canvas"
_HELD_OUT, _DRAWING, _FROM_FILE = "held-out", "drawing", "file"
_PIXELS = "lattice_pixels"  # parameter of the link: the pixels of a drawing or file
_KEPT = {_DRAWING: "lattice_drawn", _FROM_FILE: "lattice_fitted"}  # session keys of what was drawn or uploaded


@dataclass(frozen=True)
class Picture:
    """What is looked at.

    Attributes
    ----------
    pixels : bytes
        Grey values in raster order, as many as the run's images have pixels.
    name : str
        As people say it; a file's own name in it is whatever somebody chose.
    note : str
        How it was fitted; empty if nothing was done to it.
    """

    pixels: bytes
    name: str
    note: str = ""

    @property
    def caption(self) -> str:
        """The name as Markdown that shows it as it stands."""
        return as_text(" ".join(self.name.split()))


def picture_picker(run: Run) -> Picture | None:
    """Draw the pickers; None, with a state that says what to do, while there is no picture."""
    shape = run.image_shape[1:]
    _read_link(shape)
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
        write(_PIXELS, None)
        with row:
            return _held_out(run)
    kept = _drawn(shape) if source == _DRAWING else _from_file(shape)
    write(_PIXELS, to_link(kept.pixels) if kept else None)
    return _placed(run, kept) if kept else None


def _held_out(run: Run) -> Picture:
    index, class_name = image_picker(run, "lattice")
    pixels = fetching.held_out_of(run).images[index].numpy().tobytes()
    return Picture(pixels, f"held-out image {index} ({class_name})")


def _kept(source: str, shape: Shape) -> Picture | None:
    """What was drawn or uploaded; None if there is nothing, or if it was for a run whose images have another size."""
    picture: Picture | None = st.session_state.get(_KEPT[source])
    return picture if picture is not None and len(picture.pixels) == math.prod(shape) else None


def _drawn(shape: Shape) -> Picture | None:
    kept = _kept(_DRAWING, shape)
    with st.container(horizontal=True):
        drawing_area(_CANVAS, kept.pixels if kept else bytes(math.prod(shape)), shape, partial(keep_drawing, shape))
        with st.container(width=320):
            st.markdown(
                "Draw with mouse, pen or finger. By keyboard: arrows move the pen, with Shift they draw, Space makes a "
                "dot."
            )
            if kept is None:
                empty_state("Nothing is drawn yet", "What you draw is shown here as the model sees it.", icon="draw")
    return kept


def keep_drawing(shape: Shape) -> None:
    """The drawing area has sent what is on it; a callback."""
    pixels = from_canvas(st.session_state[_CANVAS].get("pixels"), shape)
    if pixels is not None:
        st.session_state[_KEPT[_DRAWING]] = Picture(pixels, "a drawing") if any(pixels) else None


def _from_file(shape: Shape) -> Picture | None:
    file = st.file_uploader(
        "An image, PNG or JPEG",
        type=["png", "jpg", "jpeg"],
        key=_FILE,
        help=f"{_size(shape)} is taken as it is; everything else is cropped, scaled and turned bright on dark, and the "
        "page says what was done.",
        width=420,
        on_change=_forget_file,
    )
    if file is not None:
        try:
            fitted = fit_file(file.getvalue(), file.name, shape)
        except GeovqError as error:
            _forget_file()
            error_box(error)
            return None
        note = "; ".join(fitted.steps) or f"taken as it is: {_size(shape)}, bright on dark"
        st.session_state[_KEPT[_FROM_FILE]] = Picture(fitted.pixels, f"file {file.name}", note)
    kept = _kept(_FROM_FILE, shape)
    if kept is None:
        empty_state(
            "No file is chosen yet", "Choose an image above: a digit, a shoe, whatever you like.", icon="upload_file"
        )
    return kept


def _forget_file() -> None:
    st.session_state[_KEPT[_FROM_FILE]] = None  # not removed: `_read_link` would take the file from the link again


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
        pixels, (down, right) = centred(picture.pixels, run.image_shape[1:])
        moved = f"moved by {down:+d} rows and {right:+d} columns, to its centre of mass" if down or right else ""
        picture = Picture(pixels, picture.name, "; ".join(filter(None, [picture.note, moved])))
    if picture.note:
        st.caption(f":material/crop: How it was fitted: {as_text(picture.note)}.")
    return picture


def _read_link(shape: Shape) -> None:
    """Take a drawing or file out of the link, once per session."""
    text, source = parameter(_PIXELS), parameter(_SOURCE)
    if text is None or source not in _KEPT or _KEPT[source] in st.session_state:
        return
    pixels = from_link(text, shape)
    if pixels is None:
        st.session_state[_KEPT[source]] = None
        warn("The picture in the link cannot be read; choose another one.")
        return
    names = {_DRAWING: "a drawing", _FROM_FILE: "a file from the link"}
    note = "" if source == _DRAWING else f"as the link holds it: {_size(shape)}, bright on dark"
    st.session_state[_KEPT[source]] = Picture(pixels, names[source], note)


def _size(shape: Shape) -> str:
    height, width = shape
    return f"{width} × {height}"
