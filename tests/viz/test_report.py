import re
from html.parser import HTMLParser

import pandas as pd
import plotly.graph_objects as go

from geovq.viz.report import Section, report_html

EVIL = "</script><script>alert(1)</script><b>&"


class Tags(HTMLParser):
    """All tags of a document with what they fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]


def parsed(document: str) -> Tags:
    tags = Tags()
    tags.feed(document)
    return tags


def report(text: str = "plain", n_figures: int = 2) -> str:
    figure = go.Figure(go.Scatter(x=[1], y=[2], name=text)).update_layout(title_text=text)
    table = pd.DataFrame({"run": [text], "error": [0.123456789]})
    return report_html(text, [text], [Section(text, text, figure, table)] * n_figures, source=text)


def test_the_code_of_plotly_stands_in_the_file_once_and_nothing_is_fetched() -> None:
    once, twice = report(n_figures=1), report(n_figures=2)
    assert len(once) > 1_000_000
    assert len(twice) - len(once) < 100_000
    assert [address for address in parsed(twice).fetched if not address.startswith("data:")] == []


def test_texts_are_shown_as_they_stand_and_never_run() -> None:
    evil, plain = parsed(report(EVIL)), parsed(report("plain"))
    assert evil.names == plain.names
    assert "&lt;script&gt;alert(1)" in report(EVIL)


def test_numbers_are_short_and_what_is_missing_is_a_dash() -> None:
    table = pd.DataFrame({"a": [0.123456789, None]})
    document = report_html("t", [], [Section("s", table=table)], source="")
    assert re.search(r"<td>0\.12346</td>", document)
    assert "<td>–</td>" in document
