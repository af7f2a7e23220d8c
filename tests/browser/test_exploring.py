"""What a visitor does on the pages that answer: two points, a lesson, a comparison to take away."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import (
    LIMIT_MS,
    SHIPPED,
    assert_charts_drawn,
    assert_healthy,
    open_page,
    settled,
    take_picture,
)
from tests.browser.server import PROJECT, AppServer

pytestmark = pytest.mark.browser


def test_two_points_become_three_ways_and_the_link_keeps_them(
    server: AppServer, page: Page, console_errors: list[str]
) -> None:
    open_page(page, server, "geometry", run=SHIPPED)
    assert_charts_drawn(page)
    names = "plot => plot.data.map(trace => trace.name).filter(Boolean)"
    ways = page.locator(".st-key-geometry_curves .js-plotly-plot").evaluate(names)
    assert {"straight line", "graph geodesic", "relaxed geodesic"} <= set(ways)

    other = page.get_by_label("B, 0 to 2999")
    other.fill("77")
    other.press("Enter")
    expect(page.get_by_text("B: landmark 77 (")).to_be_visible(timeout=LIMIT_MS)
    settled(page)
    expect(page).to_have_url(re.compile(r"[?&]geometry_second=77(&|$)"))
    assert_healthy(page, server, console_errors)


def test_an_edited_token_changes_the_picture_travels_in_the_link_and_can_be_reset(
    server: AppServer, page: Page, console_errors: list[str], pictures: Path
) -> None:
    open_page(page, server, "tokens", run=SHIPPED)
    section = page.locator(".st-key-chart_tokens_edited_pictures")
    expect(section).to_contain_text("Nothing is changed yet")
    untouched = drawn_images(page, "tokens_edited_pictures")

    code = page.locator(".st-key-tokens_code input")
    before = code.input_value()
    code.fill("7" if before != "7" else "8")
    code.press("Enter")
    expect(section).not_to_contain_text("Nothing is changed yet", timeout=LIMIT_MS)
    page.wait_for_url(re.compile(r"[?&]tokens_edits=24(:|%3A)[78](&|$)"))  # the middle one of 49 cells
    settled(page)
    assert drawn_images(page, "tokens_edited_pictures") != untouched
    take_picture(page, pictures / "tokens-edited.png")

    page.goto(page.url)
    expect(section).to_be_visible(timeout=LIMIT_MS)
    settled(page)
    expect(section).not_to_contain_text("Nothing is changed yet")
    page.get_by_role("button", name="Reset all").click()
    expect(section).to_contain_text("Nothing is changed yet", timeout=LIMIT_MS)
    settled(page)
    expect(code).to_have_value(before)
    assert drawn_images(page, "tokens_edited_pictures") == untouched
    assert_healthy(page, server, console_errors)


def drawn_images(page: Page, key: str) -> list[str]:
    """The pictures that are painted into a chart."""
    plot = page.locator(f".st-key-{key} .js-plotly-plot")
    found: list[str] = plot.evaluate("plot => plot.data.map(trace => trace.source).filter(Boolean)")
    return found


def test_a_lesson_leads_from_its_view_to_a_question_and_an_explanation(
    server: AppServer, page: Page, console_errors: list[str]
) -> None:
    open_page(page, server, "lessons", run=SHIPPED)
    question = page.locator(".st-key-lessons_question")
    reveal = question.get_by_role("button", name="Reveal")
    expect(reveal).to_be_disabled()
    question.get_by_role("radiogroup").locator("label").first.click()
    expect(reveal).to_be_enabled(timeout=LIMIT_MS)
    reveal.click()
    expect(question.get_by_role("alert")).to_be_visible(timeout=LIMIT_MS)
    n_lessons = len(list((PROJECT / "assets" / "lessons").glob("0*.md")))
    expect(page.get_by_text(f"1 of {n_lessons} answered")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Open the view").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Lessons", timeout=LIMIT_MS)
    settled(page)
    assert_charts_drawn(page)
    assert_healthy(page, server, console_errors)


def test_a_comparison_is_taken_away_as_one_file_that_needs_no_network(
    server: AppServer, page: Page, console_errors: list[str], tmp_path: Path
) -> None:
    open_page(page, server, "compare", run=SHIPPED)
    with page.expect_download(timeout=LIMIT_MS) as waiting:
        page.get_by_role("button", name="HTML report").click()
    report = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(report)
    assert report.name == "geovq-compare.html"
    assert_healthy(page, server, console_errors)

    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(report.as_uri())
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=LIMIT_MS)
    assert [url for url in loaded if not url.startswith(("file:", "data:", "blob:"))] == []
