"""How a visitor looks at a page: opens it, waits until it is drawn, reads its charts, takes a picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.browser.server import AppServer

PAGES = ("home", "train", "lessons", "lattice", "geometry", "neighbourhoods", "codebook", "tokens", "prior", "compare")
WITH_CHARTS = tuple(name for name in PAGES if name not in ("train", "lessons"))  # train has some while a job works
SHIPPED = "shipped/mnist-sample/demo"

LIMIT_MS = 60_000  # for what takes a second or two on a quiet machine

_SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const busy = '[data-testid="stSkeleton"], [data-testid="stSpinner"], [data-stale="true"]';
  if (!app || app.dataset.testScriptState !== 'notRunning' || app.querySelector(busy)) {
    window.quietSince = undefined;
    return false;
  }
  window.quietSince ??= performance.now();
  return performance.now() - window.quietSince >= 300;
}"""


def open_page(page: Page, server: AppServer, name: str, **query: str) -> None:
    """Open a page by its link, in a session of its own, and wait until it is drawn."""
    path = "" if name == "home" else name
    page.goto(f"{server.url}/{path}" + (f"?{urlencode(query)}" if query else ""))
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=LIMIT_MS)
    settled(page)


def settled(page: Page) -> None:
    """Wait until the script rests for 300 ms with everything drawn. A page that polls never rests for long."""
    page.evaluate("window.quietSince = undefined")
    page.wait_for_function(_SETTLED, timeout=LIMIT_MS, polling=50)


def assert_healthy(page: Page, server: AppServer, errors: list[str]) -> None:
    """No error on the page, in the browser's console or in the server's log."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert errors == []
    assert "Traceback" not in server.log()


def assert_charts_drawn(page: Page) -> None:
    """Every place for a chart has one, and there is at least one."""
    places = page.get_by_test_id("stPlotlyChart")
    expect(places.first).to_be_visible()
    for place in places.all():
        expect(place.locator(".js-plotly-plot .main-svg").first).to_be_visible()


def assert_no_sideways_scroll(page: Page) -> None:
    """Nothing makes the page wider than the window."""
    for element in (page.locator("html"), page.get_by_test_id("stMain")):
        scroll, client = element.evaluate("element => [element.scrollWidth, element.clientWidth]")
        assert scroll <= client, f"{scroll} px of content in {client} px"


def drawn_points(page: Page, key: str) -> int:
    """Number of points of the first trace of a chart; 0 while the chart is not there."""
    plot = f".st-key-{key} .js-plotly-plot"
    n_points: int = page.evaluate("plot => document.querySelector(plot)?.data?.[0]?.x?.length ?? 0", plot)
    return n_points


def wait_for_points(page: Page, key: str, at_least: int) -> int:
    """Wait until the first trace of a chart has so many points; how many it has then."""
    plot = f".st-key-{key} .js-plotly-plot"
    page.wait_for_function(
        "([plot, least]) => (document.querySelector(plot)?.data?.[0]?.x?.length ?? 0) >= least",
        arg=[plot, at_least],
        timeout=LIMIT_MS,
    )
    return drawn_points(page, key)


@contextmanager
def whole_page(page: Page) -> Iterator[None]:
    """All of the page at once: Streamlit scrolls inside the window, so the window is made as tall as the page."""
    size = page.viewport_size
    assert size is not None
    height = page.get_by_test_id("stMain").evaluate("element => element.scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    page.wait_for_timeout(500)  # charts draw again for the new size
    yield
    page.set_viewport_size(size)


def take_picture(page: Page, file: Path) -> None:
    """Screenshot of the whole page."""
    with whole_page(page):
        page.screenshot(path=file)
