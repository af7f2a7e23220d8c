"""Puts a figure on a page: title, figure, caption, and its data as a table and a file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd
import streamlit as st

from geovq.app.shared.readable import readable

Table: TypeAlias = Mapping[str, Sequence[Any]]

_TABLE_ROWS = 500  # more are in the file


def show(
    figure: Any,
    key: str,
    alt: str,
    *,
    title: str = "",
    help: str | None = None,
    caption: str = "",
    data: pd.DataFrame | Table | None = None,
    select: Callable[[list[Any]], None] | None = None,
) -> None:
    """Draw one figure.

    Parameters
    ----------
    figure : plotly Figure
    key : str
        Identity of the chart on its page, and the name of the files it offers.
    alt : str
        What a person who does not see it should know.
    title : str
        The finding, above the figure.
    help : str, optional
        Words explained, behind a question mark.
    caption : str
        What is shown: n of N, seed, run.
    data : table, optional
        The numbers behind the figure, offered as a table and as CSV.
    select : callable, optional
        Called with the `customdata` of the marks that were clicked. What is picked must not be drawn into this figure:
        a changed figure loses its zoom and its selection.
    """
    with st.container(key=f"chart_{key}", gap="xsmall"):
        if title:
            st.markdown(f"**{title}**", help=help)
        config = {"displaylogo": False, "toImageButtonOptions": {"filename": f"geovq-{key}", "scale": 2}}
        st.plotly_chart(
            readable(figure),
            key=key,
            alt=alt,
            config=config,
            width="stretch" if figure.layout.width is None else "content",
            selection_mode="points",
            on_select="ignore" if select is None else lambda: select(picked(st.session_state[key])),
        )
        _footer(key, caption, None if data is None else pd.DataFrame(data))


def data_table(
    data: pd.DataFrame, key: str, *, columns: Mapping[str, Any] | None = None, caption: str = "", alt: str = ""
) -> None:
    """A table with its file."""
    with st.container(key=f"table_{key}", gap="xsmall"):
        st.dataframe(data, hide_index=True, column_config=columns, key=key, alt=alt or None, placeholder="–")
        with _row(key):
            st.caption(caption)
            _download(key, data)


def picked(event: Mapping[str, Any]) -> list[Any]:
    """Ids of the marks in a selection event: their `customdata`, never their index, which changes with the data."""
    points = event.get("selection", {}).get("points", [])
    return [point["customdata"] for point in points if "customdata" in point]


def _footer(key: str, caption: str, data: pd.DataFrame | None) -> None:
    if not caption and data is None:
        return
    with _row(key):
        st.caption(caption)
        if data is None:
            return
        with st.container(horizontal=True, width="content", gap="xsmall"):
            with st.popover("Table", icon=":material/table:", type="tertiary"):
                st.dataframe(data.head(_TABLE_ROWS), hide_index=True)
                if len(data) > _TABLE_ROWS:
                    st.caption(f"The first {_TABLE_ROWS} of {len(data):,} rows; the file has all.")
            _download(key, data)


def _row(key: str) -> Any:
    return st.container(
        key=f"footer_{key}", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    )


def _download(key: str, data: pd.DataFrame) -> None:
    st.download_button(
        "CSV",
        data=lambda: data.to_csv(index=False),
        file_name=f"geovq-{key}.csv",
        mime="text/csv",
        key=f"download_{key}",
        help="Download the numbers behind this view",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
    )
