"""A browser, a running app, pages that note their errors, and what is kept of a test: pictures, times, the log."""

import json
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser.server import AppServer
from tests.browser.stopwatch import Answers

NewPage = Callable[..., Page]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_TIMES = pytest.StashKey[dict[str, float]]()


@dataclass
class Report:
    """How quickly the app answers, and other numbers by what they are."""

    answers: list[Answers] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)


_REPORT = pytest.StashKey[Report]()
# On a deep link Streamlit's own client first tries the page's name as a folder of the server.
_PROBES = ("/_stcore/health", "/_stcore/host-config")


# Of the package, not of the session: Playwright leaves an event loop running, and later tests may want their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium: GEOVQ_CHROMIUM, else the system's, else Playwright's own."""
    with sync_playwright() as playwright:
        found = [os.environ.get("GEOVQ_CHROMIUM"), *map(shutil.which, _NAMES), playwright.chromium.executable_path]
        executable = next((path for path in found if path and Path(path).exists()), None)
        if executable is None:
            pytest.skip(
                "No Chromium to drive. Install it (Debian: apt-get install chromium; anywhere: playwright install "
                "chromium), or name one in GEOVQ_CHROMIUM."
            )
        browser = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shared_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """One server for all tests; it needs a browser, so that nothing is started for tests that are skipped."""
    server = AppServer(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def server(shared_server: AppServer) -> Iterator[AppServer]:
    """The running app, without jobs or runs of an earlier test."""
    yield shared_server
    shared_server.clear()


@pytest.fixture
def cold_server(browser: Browser, tmp_path: Path) -> Iterator[AppServer]:
    """A server that nobody has visited yet."""
    server = AppServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def console_errors() -> list[str]:
    """Errors in the consoles of this test's pages."""
    return []


@pytest.fixture
def new_page(browser: Browser, console_errors: list[str]) -> Iterator[NewPage]:
    """Opens windows of separate visitors."""
    contexts = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location["url"].endswith(_PROBES):
            console_errors.append(f"{message.text} ({message.location['url']})")

    def open_window(*, width: int = 1440, height: int = 900, color_scheme: Literal["light", "dark"] = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=color_scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        return page

    yield open_window
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """One window of usual size."""
    return new_page()


@pytest.fixture(scope="package")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the screenshots: GEOVQ_SCREENSHOTS, else a temporary one."""
    named = os.environ.get("GEOVQ_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def times(request: pytest.FixtureRequest, pictures: Path) -> Iterator[dict[str, float]]:
    """Seconds by what they were spent on: printed at the end and kept beside the pictures, never asserted."""
    measured = request.config.stash.setdefault(_TIMES, {})
    yield measured
    (pictures / "timings.json").write_text(json.dumps(measured, indent=2) + "\n")


@pytest.fixture(scope="package")
def report(request: pytest.FixtureRequest, pictures: Path) -> Iterator[Report]:
    """Response times: printed at the end and kept beside the pictures, never asserted."""
    measured = request.config.stash.setdefault(_REPORT, Report())
    yield measured
    content = {"numbers": measured.numbers, "answers": [answers.as_row() for answers in measured.answers]}
    (pictures / "responses.json").write_text(json.dumps(content, indent=2) + "\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the measured times."""
    if measured := config.stash.get(_TIMES, {}):
        terminalreporter.section("seconds in the browser")
        for what, seconds in measured.items():
            terminalreporter.write_line(f"{seconds:6.1f}  {what}")
    if report := config.stash.get(_REPORT, None):
        terminalreporter.section("answers: seconds in the browser, median and p95; median CPU seconds of the server")
        for answers in report.answers:
            row = answers.as_row()
            columns = [f"{value:6.2f}" for value in row.values() if isinstance(value, float)]
            terminalreporter.write_line("  ".join([*columns, answers.what]))
        for what, value in report.numbers.items():
            terminalreporter.write_line(f"{value:6.1f}  {what}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the server's log with a test that failed."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for name, value in item.funcargs.items():
            if isinstance(value, AppServer) and name != "shared_server":
                report.sections.append((f"Streamlit log of {name}", value.log()))
    return report
