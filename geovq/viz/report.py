"""One HTML file with sentences, tables and interactive figures, readable without a network."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b2430; background: #fff; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.note { color: #4a5563; font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #d5dbe3; text-align: right; white-space: nowrap; }
td:first-child, td:nth-child(2), th:first-child, th:nth-child(2) { text-align: left; }
"""


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes
    ----------
    title : str
    note : str
        Text below figure and table.
    figure : Figure, optional
    table : DataFrame, optional
    """

    title: str
    note: str = ""
    figure: go.Figure | None = None
    table: pd.DataFrame | None = None


def report_html(title: str, lead: Sequence[str], sections: Sequence[Section], *, source: str) -> str:
    """A complete HTML document: plotly's code is in it once, nothing is fetched.

    Parameters
    ----------
    title : str
    lead : sequence of str
        Paragraphs below the title.
    sections : sequence of Section
    source : str
        Where it comes from, at the foot.

    All texts are plain: what looks like markup in them is shown as it stands.
    """
    parts = [f"<h1>{html.escape(title)}</h1>", *(f"<p>{html.escape(text)}</p>" for text in lead)]
    needs_code = True
    for section in sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        if section.figure is not None:
            parts.append(_figure(section.figure, with_code=needs_code))
            needs_code = False
        if section.table is not None:
            parts.append(f'<div class="wide">{_table(section.table)}</div>')
        if section.note:
            parts.append(f'<p class="note">{html.escape(section.note)}</p>')
    parts.append(f'<p class="note">{html.escape(source)}</p>')
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    )
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _figure(figure: go.Figure, *, with_code: bool) -> str:
    plain = go.Figure(figure).update_layout(template="plotly_white", font={"color": "#1b2430"})
    text: str = plain.to_html(full_html=False, include_plotlyjs=with_code, config={"displaylogo": False})
    return text


def _table(table: pd.DataFrame) -> str:
    text: str = table.to_html(index=False, escape=True, na_rep="–", float_format=lambda value: f"{value:.5g}", border=0)
    return text
