import tomllib
from itertools import product
from pathlib import Path

import pytest
from streamlit import config as streamlit_config

from geovq.viz.palette import DARK_BACKGROUND, LIGHT_BACKGROUND, QUALITATIVE

OPTIONS = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
THEMES = {name: OPTIONS["theme"][name] for name in ("light", "dark")}
WHITE = "#ffffff"


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_agrees_with_the_published_extremes():
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.005)  # the lightest grey that passes AA on white


def test_only_this_machine_can_connect():
    assert OPTIONS["server"]["address"] == "127.0.0.1"
    assert set(OPTIONS["server"]["allowedHosts"]) == {"localhost", "127.0.0.1"}
    assert not {"enableCORS", "enableXsrfProtection"} & OPTIONS["server"].keys()  # on unless somebody switches them off


def test_nothing_is_told_to_others():
    assert OPTIONS["browser"]["gatherUsageStats"] is False
    assert OPTIONS["client"]["showErrorDetails"] in {"type", "none"}


@pytest.mark.parametrize("section", ["server", "browser", "client", "theme", "theme.light", "theme.dark"])
def test_streamlit_knows_every_option(section):
    values = OPTIONS
    for part in section.split("."):
        values = values[part]
    keys = {f"{section}.{key}" for key, value in values.items() if not isinstance(value, dict)}
    assert keys <= streamlit_config.get_config_options().keys()


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES.keys())
def test_text_is_readable_on_both_backgrounds(theme):
    backgrounds = (theme["backgroundColor"], theme["secondaryBackgroundColor"])
    for colour, background in product((theme["textColor"], theme["linkColor"]), backgrounds):
        assert contrast(colour, background) >= 4.5
    assert contrast(WHITE, theme["primaryColor"]) >= 4.5
    assert min(contrast(theme["primaryColor"], background) for background in backgrounds) >= 3


def test_the_figures_and_the_theme_share_their_colours():
    assert OPTIONS["theme"]["chartCategoricalColors"] == list(QUALITATIVE)
    assert THEMES["light"]["backgroundColor"] == LIGHT_BACKGROUND
    assert THEMES["dark"]["backgroundColor"] == DARK_BACKGROUND


@pytest.mark.parametrize("scale", ["chartSequentialColors", "chartDivergingColors"])
def test_scales_have_the_ten_colours_that_streamlit_asks_for(scale):
    assert len(set(OPTIONS["theme"][scale])) == 10


def test_the_sequential_scale_brightens_step_by_step():
    brightness = [luminance(colour) for colour in OPTIONS["theme"]["chartSequentialColors"]]
    assert brightness == sorted(brightness)


def test_the_diverging_scale_darkens_away_from_its_middle():
    brightness = [luminance(colour) for colour in OPTIONS["theme"]["chartDivergingColors"]]
    assert brightness[:5] == sorted(brightness[:5])
    assert brightness[5:] == sorted(brightness[5:], reverse=True)
