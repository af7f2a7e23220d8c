"""Values that cannot be and links that lead nowhere: a box that says what to do, and nothing happens."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import SHIPPED, assert_charts_drawn, assert_healthy, open_page, settled, take_picture
from tests.browser.server import AppServer
from tests.browser.train_page import fill_form

pytestmark = pytest.mark.browser


def test_more_codes_than_landmarks_is_a_box_and_cannot_be_started(
    server: AppServer, page: Page, console_errors: list[str], pictures: Path
) -> None:
    open_page(page, server, "train")
    fill_form(page, "wrong", {"Codes K": "500", "Landmarks": "300"})
    box = page.get_by_role("alert").filter(has_text="These settings need a change")
    expect(box).to_contain_text("Codes K (n_codes) must be at most Landmarks (n_landmarks)")
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    take_picture(page, pictures / "train-bad-value.png")

    fill_form(page, "wrong", {"Codes K": "64"})
    expect(box).to_have_count(0)
    expect(page.get_by_role("button", name="Start")).to_be_enabled()
    assert list(server.outputs.iterdir()) == []
    assert_healthy(page, server, console_errors)


def test_a_link_to_an_unknown_run_says_so_and_leads_on(
    server: AppServer, page: Page, console_errors: list[str], pictures: Path
) -> None:
    open_page(page, server, "tokens", run="mnist-sample/never-trained")
    expect(page.get_by_role("heading", name="This run does not exist")).to_be_visible()
    expect(page.get_by_text("mnist-sample/never-trained")).to_be_visible()
    take_picture(page, pictures / "tokens-unknown-run.png")

    page.get_by_role("button", name=f"Show {SHIPPED} instead").click()
    settled(page)
    assert_charts_drawn(page)
    assert_healthy(page, server, console_errors)
