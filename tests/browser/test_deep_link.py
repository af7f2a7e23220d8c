"""A link to a page works as the very first request that a server gets."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import LIMIT_MS, PAGES, assert_charts_drawn, assert_healthy, settled, take_picture
from tests.browser.server import AppServer

pytestmark = pytest.mark.browser


def test_a_cold_server_answers_a_deep_link_with_the_page_inside_the_full_navigation(
    cold_server: AppServer, page: Page, console_errors: list[str], pictures: Path, times: dict[str, float]
) -> None:
    page.goto(f"{cold_server.url}/codebook")
    expect(page.get_by_role("heading", name="Codebook", level=1)).to_be_visible(timeout=LIMIT_MS)
    times["from server start to the first title, deep link"] = time.monotonic() - cold_server.started
    settled(page)
    times["from server start to the whole first page, deep link"] = time.monotonic() - cold_server.started

    # The menu that Streamlit makes by itself from pages/ has no sections, and "app" in place of "Home".
    menu = page.get_by_test_id("stSidebarNav")
    links = [link.inner_text().split()[-1] for link in menu.get_by_role("link").all()]
    assert links == [name.capitalize() for name in PAGES]
    for section in ("Begin", "Look inside", "Judge"):
        expect(menu.get_by_text(section, exact=True)).to_be_visible()
    assert_charts_drawn(page)
    assert_healthy(page, cold_server, console_errors)
    take_picture(page, pictures / "cold-codebook.png")
