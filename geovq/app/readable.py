"""Texts of figures dark or light enough to read: Streamlit's own theme writes axes at less than 4.5:1 (WCAG AA)."""

from typing import Any

import streamlit as st

_INK = {"light": "#46505e", "dark": "#b4bcc8"}  # 8:1 on white; 9:1 on the dark background


def readable(figure: Any) -> Any:
    """The figure, with axes, colour bars and labels in the ink of the theme that the visitor looks at.

    Texts that have a colour of their own keep it. Where the theme is not known nothing changes.
    """
    ink = _INK.get(st.context.theme.type or "")
    if ink is None:
        return figure
    figure.update_layout(font_color=ink, legend_font_color=ink)
    figure.update_xaxes(tickfont_color=ink, title_font_color=ink)
    figure.update_yaxes(tickfont_color=ink, title_font_color=ink)
    return figure.update_coloraxes(colorbar_tickfont_color=ink, colorbar_title_font_color=ink)
