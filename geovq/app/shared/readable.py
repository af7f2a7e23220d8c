"""Texts of figures dark or light enough to read: Streamlit's own theme writes axes at less than 4.5:1 (WCAG AA)."""

from typing import Any

import streamlit as st

_INK = {"light": "#46505e", "dark": "#b4bcc8"}  # 8:1 on white; 9:1 on the dark background


def theme() -> str:
    """Name of the theme that the visitor looks at, empty if unknown: part of the key of every figure that is kept."""
    return st.context.theme.type or ""


def readable(figure: Any) -> Any:
    """The figure, with axes, colour bars and labels in the ink of the theme that the visitor looks at.

    Texts that have a colour of their own keep it. Where the theme is not known nothing changes, nor does a figure that
    has the ink already, so that one that is kept can be shown to many.
    """
    ink = _INK.get(theme())
    layout = figure.layout
    if ink is None or layout.font.color == ink:
        return figure
    # One by one: `update_layout` and its like check much more for each figure, and take twice as long.
    bars = (axis.colorbar for axis in figure.select_coloraxes())
    for part in (*figure.select_xaxes(), *figure.select_yaxes(), *bars):
        part.tickfont.color = part.title.font.color = ink
    layout.legend.font.color = layout.font.color = ink
    return figure
