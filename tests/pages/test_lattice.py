"""The page Lattice: pictures of all kinds, its maps, one cell, its links, and what it says if something is missing."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

from geovq.app.lattice.cell import COLUMN, ROW, picked_cell
from geovq.app.lattice.codes import CODE
from geovq.app.lattice.coupling import OTHER, coupling, pick_other
from geovq.app.lattice.fitting import from_link, to_link
from geovq.app.lattice.moves import step_key
from geovq.app.lattice.source import keep_drawing
from geovq.app.shared import fetching
from geovq.runs import Run, open_run
from tests.pages.conftest import alts, chart, open_page, text_of

STROKE = np.zeros((28, 28), dtype=np.uint8)
STROKE[4:24, 13:15] = 255
MAPS = ("KL of each cell", "magnification of each cell", "Posterior mean", "standard deviation", "Code of each cell")


def file_of(values: NDArray[np.integer[Any]]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, format="PNG")
    return buffer.getvalue()


def pixels_of(run: Run, index: int) -> bytes:
    """A held-out image as the page keeps it."""
    image = fetching.held_out_of(run).batch(torch.tensor([index]))[0, 0]
    return (image * 255).round().byte().numpy().tobytes()


def with_file(content: bytes, name: str = "mine.png") -> AppTest:
    app = open_page("lattice", lattice_source="file")
    app.file_uploader(key="lattice_file").upload(name, content, "image/png")
    return app.run()


def test_a_finished_run_shows_every_map_and_one_cell_of_a_held_out_image(one_run: Path) -> None:
    app = open_page("lattice")
    assert not app.exception
    assert not app.error
    for words in (*MAPS, "The reconstruction with the cell framed", "Ellipse", "Jacobian", "after the step"):
        assert chart(app, words)
    words = text_of(app)
    assert re.search(r"KL: half of \d+ nats is in \d+ of 49 cells", words)
    assert "measured on this lattice, in" in words
    assert "of the run's geometry" in words
    n_active = open_run(one_run).geometry().sample.subspace.n_active
    assert f"{n_active} of {n_active} active directions" in words  # columns of the Jacobian
    ((row, column),) = re.findall(r"Magnification: most at row (\d), column (\d)", words)
    assert (app.number_input(key=ROW).value, app.number_input(key=COLUMN).value) == (int(row), int(column))
    assert re.search(rf"held-out image 0 \(\d\) · run {one_run.parent.name}/{one_run.name}, seed 0", words)


def test_a_click_on_a_map_chooses_the_cell_for_all_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, int] = {}
    monkeypatch.setattr(st, "session_state", state)
    picked_cell([])
    assert state == {}
    picked_cell(["2,5"])
    assert state == {ROW: 2, COLUMN: 5}


def test_the_link_names_picture_cell_and_step_and_opens_them_again(one_run: Path) -> None:
    app = open_page("lattice", lattice_image="7", lattice_row="2", lattice_column="5", lattice_channel="1")
    assert (app.number_input(key=ROW).value, app.number_input(key=COLUMN).value) == (2, 5)
    assert "channel 1 in every cell" in text_of(app)
    assert "row 2, column 5" in text_of(app)
    app.number_input(key=COLUMN).set_value(4).run()
    assert app.query_params[COLUMN] == "4"
    step = app.slider(key=step_key(1)).max / 2
    app = open_page("lattice", lattice_row="2", lattice_column="4", **{step_key(1): str(step)})
    assert app.slider(key=step_key(1)).value == pytest.approx(step)
    assert "The picture moved by" in text_of(app)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (ROW, "7", "asks for 7 as the row; this run has 0 to 6"),
        ("lattice_channel", "99", "asks for 99 as the channel"),
        (step_key(1), "1e9", "asks for a step of 1e9"),
        ("lattice_source", "painting", "painting as the picture, which is not among held-out, drawing, file"),
        ("lattice_class", "17", "17 as the class, which is not among any class, 0, 1"),
    ],
)
def test_a_link_with_an_impossible_value_says_so_and_shows_another(
    key: str, value: str, words: str, one_run: Path
) -> None:
    app = open_page("lattice", **{key: value})
    assert not app.exception
    (box,) = app.warning
    assert words in box.value
    assert chart(app, "KL of each cell")


def test_a_slider_moves_the_picture_until_it_is_set_back_or_another_cell_is_chosen(one_run: Path) -> None:
    app = open_page("lattice", lattice_row="3", lattice_column="3")
    assert "Move a slider" in text_of(app)
    before = chart(app, "after the step")["data"][0]["source"]
    slider = app.slider(key=step_key(1))
    app = slider.set_value(slider.max).run()
    assert chart(app, "after the step")["data"][0]["source"] != before
    assert re.search(r"The picture moved by [\d.e-]+; from the Jacobian alone", text_of(app))
    (back,) = [button for button in app.button if button.label == "Back to where it is"]
    app = back.click().run()
    assert app.slider(key=step_key(1)).value == 0
    app = app.slider(key=step_key(1)).set_value(slider.min).run()
    app = app.number_input(key=ROW).set_value(4).run()
    assert app.slider(key=step_key(1)).value == 0


def test_any_code_can_replace_the_cell_and_the_tokenizers_choice_is_judged(one_run: Path) -> None:
    app = open_page("lattice", lattice_try="replace it by a code", lattice_row="3", lattice_column="3")
    own: Any = app.number_input(key=CODE).value
    assert f"The tokenizer's choice, code {own}, is number" in text_of(app)
    other = (own + 1) % 8
    app = app.number_input(key=CODE).set_value(other).run()
    assert f"Code {other} changes the picture by" in text_of(app)
    app = app.button(key="lattice_own_code").click().run()
    assert app.number_input(key=CODE).value == own
    app = app.button(key="lattice_best_code").click().run()
    assert re.search(r"8 of 8 codes", text_of(app))


def test_a_vq_vae_shows_its_own_lattice_and_says_that_it_has_no_posterior(one_run: Path) -> None:
    app = open_page("lattice")
    app = app.selectbox(key="lattice_tokenizer").set_value("vqvae").run()
    assert not app.exception
    assert not app.error
    assert "no posterior: there is no uncertainty and no KL" in text_of(app)
    assert not any("KL of each cell" in alt or "standard deviation" in alt for alt in alts(app))
    assert chart(app, "Encoder's output of channel")
    assert "of the cells of 200 held-out images" in text_of(app)


def test_a_vq_vae_alone_is_enough(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: stage in ("vqvae", "tokenizer:vqvae"))
    app = open_page("lattice")
    assert not app.exception
    assert chart(app, "magnification of each cell")


def test_without_geometry_the_active_directions_are_measured_here(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: stage == "vae")
    app = open_page("lattice")
    assert not app.exception
    assert "of the cells of 200 held-out images" in text_of(app)
    assert chart(app, "magnification of each cell")
    assert "No tokenizer yet" in text_of(app)


def test_a_file_is_fitted_and_the_page_says_how(one_run: Path) -> None:
    app = with_file(file_of(255 - STROKE.repeat(2, axis=0).repeat(2, axis=1)))
    assert not app.exception
    words = text_of(app)
    assert "scaled from 56 × 56 to 28 × 28; inverted, since its background is light" in words
    assert "file mine.png" in words
    assert chart(app, "KL of each cell")
    assert from_link(app.query_params["lattice_pixels"], STROKE.shape) == STROKE.tobytes()
    app.file_uploader(key="lattice_file").set_value(None)
    app.run()
    assert "No file is chosen" in text_of(app)


def test_a_file_that_is_no_image_is_named_with_the_remedy(one_run: Path) -> None:
    app = with_file(b"not an image at all", "notes.png")
    assert not app.exception
    (box,) = app.error
    assert "notes.png is not a sound PNG or JPEG image; choose another file" in box.value.replace("\\", "")
    assert not app.get("plotly_chart")


@pytest.mark.parametrize(("source", "words"), [("drawing", "Nothing is drawn yet"), ("file", "No file is")])
def test_before_there_is_a_picture_the_page_says_what_to_do(source: str, words: str, one_run: Path) -> None:
    app = open_page("lattice", lattice_source=source)
    assert not app.exception
    assert words in text_of(app)
    assert not app.get("plotly_chart")


def test_a_drawing_travels_in_the_link_and_can_be_centred(one_run: Path) -> None:
    aside = np.roll(STROKE, 8, axis=1)
    app = open_page("lattice", lattice_source="drawing", lattice_pixels=to_link(aside.tobytes()))
    assert not app.exception
    assert "a drawing · run" in text_of(app)
    assert "moved by +0 rows and -8 columns" in text_of(app)
    app = app.toggle(key="lattice_centre").set_value(False).run()
    assert "moved by" not in text_of(app)
    assert from_link(app.query_params["lattice_pixels"], STROKE.shape) == aside.tobytes()
    app = app.segmented_control(key="lattice_source").set_value("held-out").run()
    assert "lattice_pixels" not in app.query_params


def test_a_picture_in_the_link_that_cannot_be_read_is_said(one_run: Path) -> None:
    app = open_page("lattice", lattice_source="drawing", lattice_pixels="nonsense")
    assert not app.exception
    assert "cannot be read" in app.warning[0].value
    assert "Nothing is drawn yet" in text_of(app)


@pytest.mark.parametrize(("sent", "is_kept"), [(STROKE.tobytes(), True), (bytes(784), False)])
def test_what_the_drawing_area_sends_is_kept_until_it_is_empty(
    sent: bytes, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {"lattice_canvas": {"pixels": base64.b64encode(sent).decode()}, "lattice_drawn": "what was there"}
    monkeypatch.setattr(st, "session_state", state)
    keep_drawing(STROKE.shape)
    assert (state["lattice_drawn"] is not None) == is_kept
    state |= {"lattice_canvas": {"pixels": "damaged"}, "lattice_drawn": "what was there"}
    keep_drawing(STROKE.shape)
    assert state["lattice_drawn"] == "what was there"


def test_a_class_in_the_link_counts_its_images(one_run: Path) -> None:
    app = open_page("lattice", lattice_class="3", lattice_image="2")
    assert not app.warning
    assert re.search(r"held-out image \d+ \(3\)", text_of(app))
    assert app.number_input(key="lattice_image").value == 2


def test_a_damaged_geometry_is_named_and_the_rest_is_shown(one_run: Path) -> None:
    (one_run / "geometry.safetensors").write_bytes(b"nothing of use")
    app = open_page("lattice")
    assert not app.exception
    assert all("geometry.safetensors" in box.value for box in app.error)
    assert app.error
    assert chart(app, "KL of each cell")


def test_a_file_name_is_shown_as_it_stands_and_not_read_as_markdown(one_run: Path) -> None:
    name = "**a**](http://b) `c` <i>\n# d.png"
    app = with_file(file_of(STROKE), name)
    assert not app.exception
    captions = [caption.value for caption in app.caption if "d.png" in caption.value]
    assert len(captions) > 1
    assert all(r"file \*\*a\*\*\](http\://b) \`c\` \<i\> \# d.png" in caption for caption in captions)


def test_a_cell_is_shown_with_its_neighbours_and_the_link_names_one_of_them(one_run: Path) -> None:
    app = open_page("lattice", lattice_row="3", lattice_column="3", lattice_other="18")
    assert not app.exception
    assert not app.error
    run = open_run(one_run)
    found = coupling(run, "riemannian", "vae", pixels_of(run, 0), (3, 3))
    assert found.equal_steps[3, 3] == pytest.approx(1)
    assert found.is_coupled[3, 4]
    assert not found.is_coupled[0, 0]
    assert app.selectbox(key=OTHER).value == 18  # row 2, column 4
    assert "They share 64 pixels" in text_of(app)  # 12 × 12 pixels each, one cell of 4 × 4 apart in both ways
    row, column = divmod(found.others((3, 3))[0], 7)
    assert f"row {row}, column {column}" in text_of(app)
    app = open_page("lattice", lattice_row="0", lattice_column="0", lattice_other="48")  # shares no pixel
    assert not app.exception
    assert app.selectbox(key=OTHER).value in (1, 2, 7, 8, 9, 14, 15, 16)


@pytest.mark.parametrize("name", ["kmeans", "vqvae"])
def test_couplings_are_there_for_tokenizers_without_landmarks_and_with_autoencoders_of_their_own(
    one_run: Path, name: str
) -> None:
    app = open_page("lattice", lattice_tokenizer={"kmeans": "k-means", "vqvae": "VQ-VAE"}[name])
    assert not app.exception
    assert not app.error
    assert chart(app, "Coupling of the cell")


def test_without_a_tokenizer_the_coupling_is_that_of_equal_steps(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: stage == "vae")
    app = open_page("lattice")
    assert not app.exception
    assert re.search(r"Its changes and those of row \d, column \d (add up|cancel) most", text_of(app))


def test_a_click_on_a_map_of_couplings_chooses_the_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, int] = {}
    monkeypatch.setattr(st, "session_state", state)
    pick_other([], 7)
    assert state == {}
    pick_other(["2,5"], 7)
    assert state == {OTHER: 19}
