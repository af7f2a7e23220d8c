"""What a visitor does on the page Train, in the words that stand on it."""

from collections.abc import Mapping

from playwright.sync_api import Locator, Page, expect

from tests.browser.looking import LIMIT_MS, settled

# A whole experiment in half a minute on two cores, most of it the VAE, so that its curve can be watched.
QUICK = {"VAE epochs": "30", "Training images": "600", "Landmarks": "800", "Prior epochs": "1"}
ENDLESS = {"VAE epochs": "400", "Training images": "600"}  # no test waits for its end
LOSS_CURVE = "live_loss_vae"


def fill_form(page: Page, run_name: str, values: Mapping[str, str]) -> None:
    """Name the run and change numbers of the form, each by its label."""
    commit(page, page.get_by_role("textbox", name="Run name"), run_name)
    for label, value in values.items():
        commit(page, page.get_by_role("spinbutton", name=label, exact=True), value)


def commit(page: Page, field: Locator, value: str) -> None:
    """Type a value and leave the field, which runs the page."""
    field.fill(value)
    field.press("Tab")
    settled(page)


def open_settings(page: Page, section: str) -> None:
    """Show the settings of a section that are not among the main ones."""
    page.get_by_text("All other settings").click()
    page.get_by_role("tab", name=section, exact=True).click()


def start(page: Page, run_name: str, values: Mapping[str, str]) -> None:
    """Press the button, once the page has taken in what was typed; it polls from then on, so it is not waited for."""
    command = page.get_by_test_id("stCode").filter(has_text="geovq run")
    for text in (f"name={run_name}", *(f"={value}" for value in values.values())):
        expect(command).to_contain_text(text, timeout=LIMIT_MS)
    page.get_by_role("button", name="Start").click()


def live_panel(page: Page) -> Locator:
    """The box that follows the job."""
    return page.locator(".st-key-live_panel")


def run_line(page: Page, run_id: str) -> Locator:
    """A run's line in the list at the end of the page."""
    return page.locator(f".st-key-run_{run_id.replace('/', '_')}")


def expect_state(place: Locator, state: str, timeout_ms: int = LIMIT_MS) -> None:
    """Wait for the badge that names the state."""
    expect(place.locator(".stMarkdownBadge", has_text=state)).to_be_visible(timeout=timeout_ms)
