"""How long the explorer takes to answer, and how much memory it holds: reported, never asserted.

Asserted is only that every action changes what it should. Times grow with whatever else the machine does.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Report
from tests.browser.looking import LIMIT_MS, PAGES, SHIPPED, open_page, settled
from tests.browser.server import AppServer
from tests.browser.stopwatch import Answers, Stopwatch

pytestmark = pytest.mark.browser

N_TIMES = 6
TITLE = "h1"
Act = Callable[[Page, int], None]  # what a visitor does, and how many times it was done before


@dataclass(frozen=True)
class Action:
    page: str
    what: str
    act: Act
    shown: str  # key of what changes
    query: dict[str, str] = field(default_factory=dict)


def widget(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}")


def number(key: str, first: int, step: int = 1) -> Act:
    """Type one number after another."""

    def act(page: Page, time: int) -> None:
        field = widget(page, key).locator("input")
        field.fill(str(first + time * step))
        field.press("Enter")

    return act


def slider(key: str) -> Act:
    """Move a slider by the keyboard, from its start to the right."""

    def act(page: Page, time: int) -> None:
        widget(page, key).locator("input").first.press("Home" if time == 0 else "ArrowRight")

    return act


def choice(key: str, *options: str) -> Act:
    """Press the buttons of a segmented control in turn."""

    def act(page: Page, time: int) -> None:
        widget(page, key).get_by_role("radio", name=options[time % len(options)], exact=True).click()

    return act


def buttons(*keys: str) -> Act:
    """Press buttons in turn."""
    return lambda page, time: widget(page, keys[time % len(keys)]).get_by_role("button").click()


def switch(key: str) -> Act:
    """Turn a switch on and off."""
    return lambda page, time: widget(page, key).locator("label").first.click()


ACTIONS = [
    Action("lattice", "another image", number("lattice_image", 1), "chart_lattice_images"),
    Action("lattice", "another cell", number("lattice_column", 0), "chart_lattice_where"),
    Action("lattice", "a step of the cell", slider("lattice_step_1"), "chart_lattice_moved"),
    Action("geometry", "another point", number("geometry_second", 100, 50), "chart_geometry_curves"),
    Action("geometry", "larger balls", slider("geometry_share"), "chart_geometry_balls"),
    Action("geometry", "ellipses on and off", switch("geometry_ellipses"), "chart_geometry_plane"),
    Action("geometry", "another place on the sphere", slider("geometry_sphere_0"), "chart_geometry_world_chart"),
    Action(
        "neighbourhoods", "another landmark", number("neighbourhoods_query", 100, 50), "chart_neighbourhoods_around"
    ),
    Action("neighbourhoods", "more neighbours", slider("neighbourhoods_k"), "chart_neighbourhoods_around"),
    Action("codebook", "another code", number("codebook_code", 20), "codebook_inspector"),
    Action("codebook", "another tokenizer", choice("codebook_of", "Euclidean", "Riemannian"), "chart_codebook_cells"),
    Action(
        "codebook", "another pass", buttons("codebook_reset", "codebook_step", "codebook_step"), "chart_codebook_passes"
    ),
    Action("tokens", "another map", choice("tokens_map", "codes in use", "entropy"), "chart_tokens_positions"),
    Action("tokens", "another token", number("tokens_code", 10), "chart_tokens_edited_pictures"),
    Action("tokens", "another image", number("tokens_image", 1), "chart_tokens_grids"),
    Action("prior", "another seed", number("prior_seed", 1), "chart_prior_samples"),
    Action("prior", "the next cell", slider("prior_step"), "chart_prior_next", query={"prior_view": "Cell by cell"}),
    Action("compare", "another image", number("compare_image", 1), "chart_compare_tokens"),
    Action("compare", "other images", number("compare_first", 10, 10), "chart_compare_mosaic"),
    Action(
        "compare",
        "another error",
        choice("compare_error", "of quantizing alone", "of the whole way"),
        "chart_compare_plane",
    ),
]


@pytest.mark.parametrize("name", dict.fromkeys(action.page for action in ACTIONS))
def test_every_action_changes_what_it_should(name: str, server: AppServer, page: Page, report: Report) -> None:
    stopwatch, opened = Stopwatch(page, server), None
    for action in ACTIONS:
        if action.page != name:
            continue
        if action.query != opened:
            open_page(page, server, name, run=SHIPPED, **action.query)
            opened = action.query
        # The first answer also fills what is kept for the others; a visitor waits for it once.
        first, others = Answers(f"{name}: {action.what}, the first time"), Answers(f"{name}: {action.what}")
        for time_ in range(1 + N_TIMES):
            answers = others if time_ else first
            stopwatch.measure(answers, partial(action.act, page, time_), f".st-key-{action.shown}")
        report.answers.append(others)


def test_every_page_is_opened_again_and_again(cold_server: AppServer, page: Page, report: Report) -> None:
    stopwatch = Stopwatch(page, cold_server)
    page.goto(f"{cold_server.url}/?run={SHIPPED}")
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=LIMIT_MS)
    report.numbers["s from server start to the first title"] = time.monotonic() - cold_server.started
    settled(page)
    report.numbers["s from server start to the whole first page"] = time.monotonic() - cold_server.started

    for _ in range(2):
        visit_all(page, stopwatch, [])
    report.numbers["MB resident after every page was visited twice"] = cold_server.resident_mb()
    visits = [Answers(f"{name}: opened from the menu") for name in PAGES]
    for _ in range(4):
        visit_all(page, stopwatch, visits)
    report.numbers["MB resident after four more rounds"] = cold_server.resident_mb()
    report.answers.extend(visits)


def visit_all(page: Page, stopwatch: Stopwatch, visits: list[Answers]) -> None:
    """Open one page after the other from the menu; the first answers of a server are not noted."""
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    for place in [*range(1, len(PAGES)), 0]:  # Home is open
        answers = visits[place] if visits else Answers("not warm yet")
        stopwatch.measure(answers, links.nth(place).click, TITLE)
