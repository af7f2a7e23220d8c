"""From the button to plots of the new run, and everything that may come between."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.looking import (
    LIMIT_MS,
    WITH_CHARTS,
    assert_charts_drawn,
    assert_healthy,
    open_page,
    settled,
    take_picture,
    wait_for_points,
)
from tests.browser.server import PROJECT, AppServer
from tests.browser.train_page import (
    ENDLESS,
    LOSS_CURVE,
    QUICK,
    commit,
    expect_state,
    fill_form,
    live_panel,
    open_settings,
    run_line,
    start,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

JOB_LIMIT_MS = 240_000  # half a minute when nobody else computes


def test_from_the_start_button_to_plots_of_the_new_run_on_every_page(
    server: AppServer, page: Page, console_errors: list[str], pictures: Path, times: dict[str, float]
) -> None:
    open_page(page, server, "train")
    fill_form(page, "first", QUICK)
    open_settings(page, "geometry")
    commit(page, page.get_by_role("spinbutton", name="n images", exact=True), "60")
    take_picture(page, pictures / "train-form.png")
    start(page, "first", QUICK)
    begin = time.monotonic()

    panel = live_panel(page)
    expect_state(panel, "running")
    earlier = wait_for_points(page, LOSS_CURVE, at_least=2)
    later = wait_for_points(page, LOSS_CURVE, at_least=earlier + 1)
    take_picture(page, pictures / "train-running.png")

    page.reload()
    expect(page.get_by_role("heading", name="At work")).to_be_visible(timeout=LIMIT_MS)
    expect(panel.get_by_role("heading", name="mnist-sample/first")).to_be_visible()
    wait_for_points(page, LOSS_CURVE, at_least=later)

    expect_state(panel, "done", JOB_LIMIT_MS)
    times["the quick run, from the button to done"] = time.monotonic() - begin
    settled(page)
    take_picture(page, pictures / "train-done.png")
    assert_healthy(page, server, console_errors)

    expect(panel.get_by_text("channels are in use after epoch 30")).to_be_visible()
    epochs = panel.get_by_role("slider")
    expect(epochs).to_have_attribute("aria-valuetext", "30")
    epochs.press("Home")
    expect(panel.get_by_text("After epoch 1 the decoded images are off by")).to_be_visible(timeout=LIMIT_MS)

    page.get_by_role("button", name="Look at mnist-sample/first").click()
    expect(page.get_by_role("heading", name="Compare", level=1)).to_be_visible(timeout=LIMIT_MS)
    for name in WITH_CHARTS:
        open_page(page, server, name, run="mnist-sample/first")
        assert_charts_drawn(page)
        expect(page.get_by_text("run mnist-sample/first, seed 0").first).to_be_visible()
        expect(page.get_by_text("run mnist-sample/demo")).to_have_count(0)
        assert_healthy(page, server, console_errors)
        take_picture(page, pictures / f"{name}-new-run.png")


def test_new_tokenizers_are_made_on_the_vae_of_a_finished_run_without_training_it_again(
    server: AppServer, page: Page, console_errors: list[str], pictures: Path
) -> None:
    open_page(page, server, "train")
    run_line(page, "shipped/mnist-sample/demo").get_by_role("button", name="New tokenizers").click()
    expect(page.get_by_role("spinbutton", name="VAE epochs")).to_have_count(0, timeout=LIMIT_MS)
    settled(page)
    fill_form(page, "fewer", {"Codes K": "8"})
    page.get_by_role("combobox", name="Make").click()
    page.get_by_role("option", name="tokenizers and tokens").click()
    expect(page.get_by_test_id("stCode").filter(has_text="geovq discretize")).to_be_visible(timeout=LIMIT_MS)
    settled(page)
    take_picture(page, pictures / "train-new-tokenizers.png")
    start(page, "fewer", {"Codes K": "8"})
    expect_state(live_panel(page), "done", JOB_LIMIT_MS)
    made, shipped = server.outputs / "mnist-sample" / "fewer", PROJECT / "checkpoints" / "demo"
    assert (made / "vae.safetensors").read_bytes() == (shipped / "vae.safetensors").read_bytes()
    assert not (made / "priors").exists()
    line = run_line(page, "mnist-sample/fewer")
    expect(line.get_by_role("button", name="Make the rest")).to_be_visible(timeout=LIMIT_MS)
    assert_healthy(page, server, console_errors)


def test_a_cancelled_run_can_be_resumed_or_deleted(
    server: AppServer, page: Page, console_errors: list[str], pictures: Path
) -> None:
    open_page(page, server, "train")
    fill_form(page, "long", ENDLESS)
    start(page, "long", ENDLESS)
    wait_for_points(page, LOSS_CURVE, at_least=1)
    live_panel(page).get_by_role("button", name="Cancel").click()
    line = run_line(page, "mnist-sample/long")
    expect_state(line, "cancelled")
    expect_state(live_panel(page), "cancelled")
    settled(page)
    take_picture(page, pictures / "train-cancelled.png")

    line.get_by_role("button", name="Resume").click()
    expect_state(live_panel(page), "running")
    live_panel(page).get_by_role("button", name="Cancel").click()
    expect_state(line, "cancelled")

    line.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("mnist-sample/long", timeout=LIMIT_MS)
    take_picture(page, pictures / "train-delete.png")
    assert (server.outputs / "mnist-sample" / "long").exists()
    dialog.get_by_role("button", name="Delete it").click()
    expect(dialog).to_have_count(0)
    expect(line).to_have_count(0)
    assert not (server.outputs / "mnist-sample" / "long").exists()
    assert_healthy(page, server, console_errors)


def test_a_second_tab_shows_the_same_job_and_cannot_start_it_again(
    server: AppServer, page: Page, new_page: NewPage, console_errors: list[str], pictures: Path
) -> None:
    open_page(page, server, "train")
    fill_form(page, "long", ENDLESS)
    start(page, "long", ENDLESS)
    first = wait_for_points(page, LOSS_CURVE, at_least=1)

    second = new_page()
    second.goto(f"{server.url}/train")
    expect_state(live_panel(second), "running")
    expect(live_panel(second).get_by_role("heading", name="mnist-sample/long")).to_be_visible()
    wait_for_points(second, LOSS_CURVE, at_least=first)

    fill_form(second, "long", ENDLESS, polls=True)
    start(second, "long", ENDLESS)
    expect(second.get_by_role("alert").filter(has_text="The job cannot do that")).to_be_visible(timeout=LIMIT_MS)
    take_picture(second, pictures / "train-second-tab.png")
    expect_state(live_panel(second), "running")
    expect_state(live_panel(page), "running")
    for tab in (page, second):
        assert_healthy(tab, server, console_errors)
