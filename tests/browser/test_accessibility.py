"""No page breaks a rule of axe-core that keeps people out: contrast, names, roles and order, in both themes."""

from collections.abc import Iterator
from typing import Literal, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.looking import PAGES, SHIPPED, open_page, whole_page
from tests.browser.server import AppServer

pytestmark = pytest.mark.browser

Theme = Literal["light", "dark"]
SEVERE = ("serious", "critical")

# What Streamlit draws and an app cannot change: rule of axe, selector of what breaks it.
STREAMLITS_OWN = [
    ("list", '[data-testid="stSidebarNavItems"]'),  # the menu wraps each of its sections into a div
    ("listitem", '[data-testid="stSidebarNavItems"] li'),  # the same, seen from the links
]
# White on the primary colour and the primary colour on a dark page cannot both have 4.5:1. Buttons and chosen
# tokenizers are white on it; these two are the colour itself, and are marked by a frame and a knob as well.
IN_THE_DARK = [
    ("color-contrast", 'button[data-variant="segmented_control"][data-selected="true"] p'),
    ("color-contrast", '[data-testid="stSliderThumbValue"] p'),
]
EXCUSED: dict[Theme, list[tuple[str, str]]] = {"light": STREAMLITS_OWN, "dark": STREAMLITS_OWN + IN_THE_DARK}


@pytest.fixture(scope="module", params=["light", "dark"])
def window(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Theme, Page]]:
    """One visitor who looks at all pages of one theme."""
    theme = cast(Theme, request.param)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=theme)
    yield theme, context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_shipped_run_breaks_no_serious_rule(
    name: str, window: tuple[Theme, Page], server: AppServer
) -> None:
    theme, page = window
    open_page(page, server, name, run=SHIPPED)
    with whole_page(page):  # axe says nothing about the contrast of what is scrolled out of sight
        assert severe_violations(page, EXCUSED[theme]) == []


def test_a_picture_without_a_name_and_pale_text_would_be_found(window: tuple[Theme, Page]) -> None:
    _, page = window
    page.set_content(
        '<html lang="en"><title>a</title><img src="data:,"><p style="color: #888; background: #fff">pale</p>'
    )
    assert {line.split(":")[0] for line in severe_violations(page, STREAMLITS_OWN)} == {"image-alt", "color-contrast"}


def severe_violations(page: Page, excused: list[tuple[str, str]]) -> list[str]:
    """What breaks a serious rule, one line each: the rule, the element and what to change."""
    found = []
    for rule in Axe().run(page).response["violations"]:
        selectors = [selector for name, selector in excused if name == rule["id"]]
        for node in rule["nodes"] if rule["impact"] in SEVERE else []:
            element = page.locator(node["target"][-1]).first
            if not any(element.evaluate("(element, selector) => element.matches(selector)", s) for s in selectors):
                found.append(f"{rule['id']}: {node['html']}: {node['failureSummary']}")
    return found
