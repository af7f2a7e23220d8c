"""Every page shows the shipped run, so that a fresh clone has something to look at."""

import time
from pathlib import Path

import pytest

from tests.browser.conftest import NewPage
from tests.browser.looking import (
    PAGES,
    SHIPPED,
    WITH_CHARTS,
    assert_charts_drawn,
    assert_healthy,
    assert_no_sideways_scroll,
    open_page,
    take_picture,
)
from tests.browser.server import AppServer

pytestmark = pytest.mark.browser

WINDOWS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "narrow": {"width": 1024, "height": 768},
}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_draws_the_shipped_run(
    name: str,
    window: str,
    server: AppServer,
    new_page: NewPage,
    console_errors: list[str],
    pictures: Path,
    times: dict[str, float],
) -> None:
    page = new_page(**WINDOWS[window])
    begin = time.monotonic()
    open_page(page, server, name, run=SHIPPED)
    times[f"{name}, {window}, until it rests"] = time.monotonic() - begin
    if name in WITH_CHARTS:
        assert_charts_drawn(page)
    assert_no_sideways_scroll(page)
    assert_healthy(page, server, console_errors)
    take_picture(page, pictures / f"{name}-{window}.png")
