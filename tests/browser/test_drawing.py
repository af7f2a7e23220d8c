"""A visitor draws a picture, by mouse or by keyboard, and the page shows what the model makes of it."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.looking import LIMIT_MS, SHIPPED, assert_healthy, open_page, settled, take_picture
from tests.browser.server import AppServer

pytestmark = pytest.mark.browser
MAPS = ".st-key-chart_lattice_kl"


def canvas(page: Page, server: AppServer) -> Locator:
    open_page(page, server, "lattice", run=SHIPPED, lattice_source="drawing")
    expect(page.get_by_text("Nothing is drawn yet")).to_be_visible()
    return page.locator(".st-key-lattice_canvas canvas")


def test_a_stroke_of_the_mouse_is_shown_travels_in_the_link_and_can_be_cleared(
    page: Page, server: AppServer, pictures: Path, console_errors: list[str]
) -> None:
    box = canvas(page, server).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for x, y in ((160, 60), (110, 170)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()
    expect(page.locator(MAPS)).to_be_visible(timeout=LIMIT_MS)
    page.wait_for_url("**lattice_pixels=**")
    settled(page)
    take_picture(page, pictures / "lattice-drawn.png")
    link = page.url
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing is drawn yet")).to_be_visible(timeout=LIMIT_MS)
    page.goto(link)
    expect(page.locator(MAPS)).to_be_visible(timeout=LIMIT_MS)
    assert_healthy(page, server, console_errors)


def test_the_keyboard_draws_as_well(page: Page, server: AppServer, console_errors: list[str]) -> None:
    canvas(page, server).focus()
    for key in ("ArrowUp", *["Shift+ArrowDown"] * 6, "ArrowLeft", " "):
        page.keyboard.press(key)
    expect(page.locator(MAPS)).to_be_visible(timeout=LIMIT_MS)
    assert_healthy(page, server, console_errors)
