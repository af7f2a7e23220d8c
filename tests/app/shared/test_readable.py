from types import SimpleNamespace

import plotly.graph_objects as go
import pytest

from geovq.app.shared import readable as module
from geovq.app.shared.readable import _INK, readable
from geovq.viz.palette import DARK_BACKGROUND, LIGHT_BACKGROUND


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def look_at(theme: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(theme=SimpleNamespace(type=theme))
    monkeypatch.setattr(module, "st", SimpleNamespace(context=context))


@pytest.mark.parametrize(("theme", "background"), [("light", LIGHT_BACKGROUND), ("dark", DARK_BACKGROUND)])
def test_texts_of_figures_have_a_contrast_of_seven_to_one(theme: str, background: str) -> None:
    dark, bright = sorted([luminance(_INK[theme]), luminance(background)])
    assert (bright + 0.05) / (dark + 0.05) >= 7


def test_axes_take_the_ink_of_the_theme_and_texts_with_a_colour_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    look_at("dark", monkeypatch)
    figure = readable(go.Figure(go.Scatter(x=[1], y=[1], text=["a"], textfont_color="white")))
    assert figure.layout.yaxis.tickfont.color == figure.layout.xaxis.title.font.color == _INK["dark"]
    assert figure.data[0].textfont.color == "white"


def test_an_unknown_theme_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    look_at(None, monkeypatch)
    assert readable(go.Figure()) == go.Figure()
