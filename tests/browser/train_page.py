"""What a visitor does on the page Train, in the words that stand on it."""

from collections.abc import Mapping

from playwright.sync_api import Locator, Page, expect

from tests.browser.looking import LIMIT_MS, settled

# A whole experiment in half a minute on two cores, most of it the VAE, so that its curve can be watched.
QUICK = {"VAE epochs": "30", "Training images": "600", "Landmarks": "800", "Prior epochs": "1"}
ENDLESS = {"VAE epochs": "400", "Training images": "600"}  # no test waits for its end
LOSS_CURVE = "live_loss_vae"


def fill_form(page: Page, run_name: str, values: Mapping[str, str], *, polls: bool = False) -> None:
    """Name the run and change numbers of the form, each by its label.

    A page that follows a job polls and may never rest; there, what was typed is taken in when the command shows it.
    """
    fields = {page.get_by_role("textbox", name="Run name"): run_name}
    fields |= {page.get_by_role("spinbutton", name=label, exact=True): value for label, value in values.items()}
    for field, value in fields.items():
        if not polls:
            commit(page, field, value)
            continue
        field.fill(value)
        field.press("Tab")
        expect(_command(page)).to_contain_text(f"={value}", timeout=LIMIT_MS)


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
    for text in (f"name={run_name}", *(f"={value}" for value in values.values())):
        expect(_command(page)).to_contain_text(text, timeout=LIMIT_MS)
    page.get_by_role("button", name="Start").click()


def _command(page: Page) -> Locator:
    return page.get_by_test_id("stCode").filter(has_text="python -m geovq")


def live_panel(page: Page) -> Locator:
    """The box that follows the job."""
    return page.locator(".st-key-live_panel")


def run_line(page: Page, run_id: str) -> Locator:
    """A run's line in the list at the end of the page."""
    return page.locator(f".st-key-run_{run_id.replace('/', '_')}")


def expect_state(place: Locator, state: str, timeout_ms: int = LIMIT_MS) -> None:
    """Wait for the badge that names the state."""
    expect(place.locator(".stMarkdownBadge", has_text=state)).to_be_visible(timeout=timeout_ms)
