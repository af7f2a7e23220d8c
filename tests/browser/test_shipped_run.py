"""Every page shows the shipped run, so that a fresh clone has something to look at."""

import time
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import NewPage
from tests.browser.looking import (
    PAGES,
    SHIPPED,
    WITH_CHARTS,
    assert_charts_drawn,
    assert_healthy,
    assert_no_sideways_scroll,
    open_page,
    settled,
    take_picture,
)
from tests.browser.server import AppServer

pytestmark = pytest.mark.browser

NARROW: ViewportSize = {"width": 1024, "height": 768}


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_draws_the_shipped_run_in_wide_and_narrow_windows(
    name: str,
    color_scheme: Literal["light", "dark"],
    server: AppServer,
    new_page: NewPage,
    console_errors: list[str],
    pictures: Path,
    times: dict[str, float],
) -> None:
    page = new_page(color_scheme=color_scheme)
    begin = time.monotonic()
    open_page(page, server, name, run=SHIPPED)
    times[f"{name}, {color_scheme}, until it rests"] = time.monotonic() - begin
    assert_shown_well(page, name)
    take_picture(page, pictures / f"{name}-{color_scheme}.png")

    page.set_viewport_size(NARROW)
    settled(page)
    assert_shown_well(page, name)
    take_picture(page, pictures / f"{name}-{color_scheme}-narrow.png")
    assert_healthy(page, server, console_errors)


def assert_shown_well(page: Page, name: str) -> None:
    """Charts where the page has some, and nothing wider than the window."""
    if name in WITH_CHARTS:
        assert_charts_drawn(page)
    assert_no_sideways_scroll(page)
