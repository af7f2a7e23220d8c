"""Every page on a finished run: it shows figures that belong to it, and says of what they are."""

from pathlib import Path
from typing import Any

import pytest

from tests.pages.conftest import alts, charts, open_page, text_of

PAGES = ["home", "train", "lessons", "lattice", "geometry", "neighbourhoods", "codebook", "tokens", "prior", "compare"]


@pytest.mark.parametrize("page", PAGES)
def test_a_finished_run_is_shown_without_errors(page: str, one_run: Path) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert app.session_state["run"] == f"{one_run.parent.name}/{one_run.name}"


def test_the_link_names_the_run_even_if_nobody_chose_one(one_run: Path) -> None:
    assert open_page("tokens").query_params["run"] == f"{one_run.parent.name}/{one_run.name}"


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("train", "lessons")])
def test_captions_say_which_run_and_seed(page: str, one_run: Path) -> None:
    app = open_page(page)
    assert charts(app)
    assert any(f"run {one_run.parent.name}/{one_run.name}, seed " in caption.value for caption in app.caption)


def test_every_chart_has_a_text_for_those_who_do_not_see_it(one_run: Path) -> None:
    for page in PAGES:
        assert all(alts(open_page(page))), page


def test_home_says_what_was_measured_and_not_what_is_hoped_for(one_run: Path) -> None:
    words = text_of(open_page("home"))
    assert "distortion" in words
    assert "k-means" in words


def test_lattice_shows_the_channel_that_is_chosen(one_run: Path) -> None:
    app = open_page("lattice")
    picker = app.selectbox(key="lattice_channel")
    other = picker.options[-1].split()[0]
    app = picker.set_value(int(other)).run()
    assert f"channel {other} in every cell" in text_of(app)


def test_lattice_counts_the_images_of_a_class(one_run: Path) -> None:
    app = open_page("lattice")
    app.number_input(key="lattice_image").set_value(200).run()
    app.selectbox(key="lattice_class").set_value("3").run()
    assert not app.exception
    place: Any = app.number_input(key="lattice_image")
    assert place.value <= place.max < 200
    assert "(3)" in text_of(app)


def test_codebook_can_decode_in_one_image(one_run: Path) -> None:
    app = open_page("codebook")
    before = charts(app)[0]["data"][0]["source"]
    app.toggle(key="codebook_mean").set_value(False).run()
    assert not app.exception
    assert charts(app)[0]["data"][0]["source"] != before
    assert "lattice of held-out image 0" in text_of(app)


def test_codebook_says_when_there_are_no_landmarks_to_show(one_run: Path) -> None:
    app = open_page("codebook")
    app.multiselect(key="codebook_tokenizers").set_value(["kmeans"]).run()
    assert not app.exception
    assert "no landmarks" in text_of(app)


def test_tokens_lays_two_tokenizers_side_by_side_on_common_axes(one_run: Path) -> None:
    usage = charts(open_page("tokens"))[0]
    assert sum(trace["type"] == "bar" for trace in usage["data"]) == 2
    assert usage["layout"]["yaxis2"]["matches"] == "y"


def test_tokens_asks_for_a_choice_when_none_is_made(one_run: Path) -> None:
    app = open_page("tokens")
    app.multiselect(key="tokens_tokenizers").set_value([]).run()
    assert not app.exception
    assert "No tokenizer is chosen" in text_of(app)
