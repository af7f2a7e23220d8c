"""Home: three pictures of the run, a way to each page, scenes to start with, and what the machine is doing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from geovq.app.home.pictures import cost_words
from tests.pages.conftest import at_work, charts, open_page, text_of

pytestmark = pytest.mark.smoke


def links(app: AppTest) -> list[str]:
    return [link.proto.label for link in app.get("page_link")]


@pytest.fixture
def home(one_run: Path) -> AppTest:
    app = open_page("home")
    assert not app.exception
    assert not app.error
    return app


def test_three_questions_are_answered_from_the_run(home: AppTest) -> None:
    words = text_of(home)
    assert "A step in the best direction changes the picture" in words
    assert "the straight line" in words
    assert "distortion than k-means" in words or "do not differ clearly" in words
    assert len(charts(home)) == 4


def test_every_picture_leads_to_its_page(home: AppTest) -> None:
    pages = {link.proto.page for link in home.get("page_link")}
    assert {"geometry", "neighbourhoods", "compare", "lessons", "train"} <= pages


def test_rows_say_what_a_tokenizer_costs_and_loses(home: AppTest) -> None:
    mosaics = [figure["layout"]["yaxis"].get("ticktext", []) for figure in charts(home)]
    assert any("bits" in name for names in mosaics for name in names)
    measured = {"kmeans": {"entropy_bits": 3.456, "distortion": 0.01234}}
    assert cost_words("kmeans", measured) == "k-means<br>3.46 bits · 0.0123"
    assert cost_words("riemannian", measured) == "Riemannian"


def test_scenes_open_their_lesson(home: AppTest) -> None:
    queries = [link.proto.query_string for link in home.get("page_link") if link.proto.page == "lessons"]
    assert "lesson=not-flat" in queries
    assert any(label.startswith("All ") for label in links(home))


def test_device_and_an_empty_queue_are_said(home: AppTest) -> None:
    words = text_of(home)
    assert "Nothing is running and nothing waits" in words
    assert "cpu: " in words


def test_a_job_at_work_is_in_the_queue(one_run: Path) -> None:
    at_work(one_run, stage="vae", stage_index=1, n_stages=4, phase="vae", step=5, total=10, unit="steps")
    app = open_page("home")
    assert not app.exception
    assert "5 of 10 steps" in text_of(app)


def test_a_run_without_geometry_says_so_and_leads_on(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: stage in ("vae", "evaluation:vae"))
    app = open_page("home")
    assert not app.exception
    words = text_of(app)
    assert "geometry of this run is not measured yet" in words
    assert "no tokenizer yet" in words
    assert "Watch or resume it on Train" in links(app)


def test_a_damaged_geometry_is_one_box_per_picture_and_the_rest_stays(one_run: Path) -> None:
    (one_run / "geometry.safetensors").write_bytes(b"nothing")
    app = open_page("home")
    assert not app.exception
    assert app.error
    assert all("geometry.safetensors" in box.value for box in app.error)
    assert "Start here" in text_of(app)
    assert len(charts(app)) == 1


def test_a_run_of_a_vqvae_alone_has_its_images(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: "vqvae" in stage or stage in ("vae", "evaluation:vae"))
    app = open_page("home")
    assert not app.exception
    assert not app.error
    assert len(charts(app)) == 1


def test_a_run_that_is_deleted_while_home_is_open_says_so(home: AppTest, one_run: Path) -> None:
    shutil.rmtree(one_run)
    home.run()
    assert not home.exception
    assert "This run does not exist" in text_of(home)
