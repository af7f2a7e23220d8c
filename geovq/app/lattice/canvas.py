"""The drawing area of the page Lattice: a small component of our own, since Streamlit has none.

Drawn with a mouse, pen or finger, or by keyboard: arrows move the pen, with Shift they draw.
"""

import base64
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from geovq.app.lattice.fitting import Shape

_NAME = "geovq_lattice_canvas"
_HTML = """
<div class="area">
  <canvas tabindex="0" role="application"></canvas>
  <div class="pen"></div>
</div>
<div class="tools">
  <button class="erase" type="button" aria-pressed="false">Eraser</button>
  <button class="clear" type="button">Clear</button>
</div>
"""
_CSS = """
.area { position: relative; width: 224px; }
canvas { display: block; width: 100%; image-rendering: pixelated; touch-action: none; cursor: crosshair;
  border-radius: 4px; outline: 1px solid #7a8594; }
canvas:focus-visible { outline: 3px solid var(--st-primary-color); }
.pen { display: none; position: absolute; box-sizing: border-box; border: 2px solid #d9661f;
  pointer-events: none; }
canvas:focus-visible + .pen { display: block; }
.tools { display: flex; gap: 8px; margin-top: 8px; }
button { font: inherit; color: inherit; background: transparent; border: 1px solid #7a8594; border-radius: 8px;
  padding: 4px 12px; cursor: pointer; }
button[aria-pressed="true"] { border-color: var(--st-primary-color); font-weight: 600;
  box-shadow: inset 0 0 0 1px var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""
_SCRIPT = Path(__file__).with_name("canvas.js")

_canvas = st.components.v2.component(_NAME, html=_HTML, css=_CSS, js=_SCRIPT.read_text())


def drawing_area(key: str, pixels: bytes, shape: Shape, on_change: Callable[[], None]) -> None:
    """Draw the component.

    Parameters
    ----------
    key : str
        Its state is `st.session_state[key]["pixels"]`: what `fitting.from_canvas` reads.
    pixels : bytes
        What it shows at first; later it keeps what was drawn.
    shape : (int, int)
        Rows and columns of the picture; with another shape the area begins anew.
    on_change : callable
    """
    height, width = shape
    _canvas(
        key=key,
        data={"pixels": base64.b64encode(pixels).decode("ascii"), "width": width, "height": height},
        width=232,
        height="content",
        on_pixels_change=on_change,
    )
