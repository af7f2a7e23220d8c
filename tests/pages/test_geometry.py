"""The page Geometry: its sections, its links, and what it says when something is missing."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from numpy.typing import NDArray

from geovq.app.geometry import points as geometry_points
from geovq.runs import open_run
from tests.pages.conftest import alts, chart, charts, open_page, text_of

N_LANDMARKS = 200  # of the tiny run


def decoded(sent: Any) -> NDArray[np.float64]:
    """Numbers of a figure, which travel as a typed buffer."""
    values = np.frombuffer(base64.b64decode(sent["bdata"]), dtype=sent["dtype"])
    shape = [int(size) for size in sent["shape"].split(",")] if "shape" in sent else [-1]
    return values.reshape(shape).astype(float)


def test_a_finished_run_shows_the_plane_the_ways_and_the_balls(one_run: Path) -> None:
    app = open_page("geometry")
    assert not app.exception
    assert not app.error
    assert len(charts(app)) == 6
    assert all(alts(app))
    words = text_of(app)
    assert f"{N_LANDMARKS} landmarks" in words
    assert "active directions" in words
    assert "variance" in words
    assert f"run {one_run.parent.name}/{one_run.name}, seed 0" in words


def test_the_numbers_behind_the_plane_are_those_that_it_shows(one_run: Path) -> None:
    app = open_page("geometry")
    table = next(frame.value for frame in app.dataframe if "log10_magnification_shown" in frame.value)
    sample = open_run(one_run).geometry().sample
    assert f"log10_magnification_all_{sample.subspace.n_active}_directions" in table
    map_ = next(trace for trace in chart(app, "magnifies each place")["data"] if trace["type"] == "heatmap")
    x, y, shown = (decoded(map_[name]) for name in ("x", "y", "z"))
    landmark = table.iloc[7]
    place = abs(y - landmark["y"]).argmin(), abs(x - landmark["x"]).argmin()
    assert landmark["log10_magnification_shown"] == pytest.approx(shown[place], abs=1e-5)


def test_the_link_names_both_points_and_opens_them_again(one_run: Path) -> None:
    app = open_page("geometry", geometry_first="12", geometry_second="34")
    assert [app.number_input(key=f"geometry_{name}").value for name in ("first", "second")] == [12, 34]
    assert "A: landmark 12 " in text_of(app)
    assert "B: landmark 34 " in text_of(app)
    app.number_input(key="geometry_second").set_value(56).run()
    assert app.query_params["geometry_second"] == "56"
    assert "B: landmark 56 " in text_of(app)


@pytest.mark.parametrize("value", [str(N_LANDMARKS), "first"])
def test_a_link_to_a_landmark_that_does_not_exist_says_so_and_shows_another(value: str, one_run: Path) -> None:
    app = open_page("geometry", geometry_first=value)
    assert not app.exception
    (box,) = app.warning
    assert f"{value} as point A" in box.value
    assert f"0 to {N_LANDMARKS - 1}" in box.value
    chosen: Any = app.number_input(key="geometry_first").value
    assert 0 <= chosen < N_LANDMARKS
    assert charts(app)


def test_links_with_other_impossible_values_are_no_errors(one_run: Path) -> None:
    app = open_page(
        "geometry", geometry_share="900", geometry_colour="nothing", geometry_image="99999", geometry_world="moon"
    )
    assert not app.exception
    assert not app.error
    assert len(charts(app)) == 6


def test_a_click_sets_a_and_the_next_one_b(one_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, int] = {}
    monkeypatch.setattr(st, "session_state", state)
    geometry_points.picked_point([17])
    geometry_points.picked_point([[42]])
    geometry_points.picked_point([])
    assert (state["geometry_first"], state["geometry_second"]) == (17, 42)
    geometry_points.picked_point([5])
    assert state["geometry_first"] == 5


def test_a_point_that_meets_itself_is_no_error(one_run: Path) -> None:
    app = open_page("geometry", geometry_first="9", geometry_second="9")
    assert not app.exception
    assert "nothing between them" in text_of(app)


def test_the_cell_can_stand_in_another_image(one_run: Path) -> None:
    app = open_page("geometry", geometry_first="12", geometry_second="34")
    before = chart(app, "Decoded pictures")["data"][0]["source"]
    app.number_input(key="geometry_image").set_value(3).run()
    assert "sampled image 3" in text_of(app)
    assert chart(app, "Decoded pictures")["data"][0]["source"] != before


def test_presets_choose_two_points(one_run: Path) -> None:
    app = open_page("geometry")
    (preset,) = [button for button in app.button if button.label == "3 → 8"]
    app = preset.click().run()
    assert "of “3”) · B: landmark" in text_of(app)
    app.button(key="geometry_random").click().run()
    assert not app.exception


def test_landmarks_can_be_coloured_by_token_and_edges_be_shown(one_run: Path) -> None:
    app = open_page("geometry")
    app.selectbox(key="geometry_colour").set_value("riemannian").run()
    assert any("code 0" in (trace.get("hovertext") or []) for trace in chart(app, "latent plane")["data"])
    n_traces = len(chart(app, "latent plane")["data"])
    app.toggle(key="geometry_edges").set_value(True).run()
    assert len(chart(app, "latent plane")["data"]) == n_traces + 1
    assert " edges · run" in text_of(app)


def test_disc_and_ball_grow_with_the_slider(one_run: Path) -> None:
    app = open_page("geometry")
    assert "20 of 200 landmarks in each" in text_of(app)
    app.slider(key="geometry_share").set_value(60).run()
    assert "120 of 200 landmarks in each" in text_of(app)


def test_projections_come_when_they_are_asked_for(one_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flat(distances: NDArray[np.float64], *, seed: int) -> NDArray[np.float64]:
        assert distances.shape == (N_LANDMARKS, N_LANDMARKS)
        assert (distances == distances.T).all()
        return distances[:, :2]

    monkeypatch.setattr("geovq.app.geometry.measured.umap_projection", flat)
    app = open_page("geometry")
    assert "200 of 200 landmarks" in text_of(app)
    app = app.button(key="geometry_project").click().run()
    assert not app.exception
    assert "200 of 200 landmarks, UMAP with seed 0" in text_of(app)
    assert chart(app, "UMAP")


def test_the_world_hides_its_answer_until_somebody_has_guessed(one_run: Path) -> None:
    app = open_page("geometry")
    assert app.button(key="geometry_reveal").disabled
    assert not any("in space" in alt for alt in alts(app))
    app = app.radio(key="geometry_guess").set_value("A").run()
    app = app.button(key="geometry_reveal").click().run()
    assert "is the shortest" in text_of(app)
    assert chart(app, "in space")
    app = app.segmented_control(key="geometry_world").set_value("valley").run()
    assert "is the shortest" not in text_of(app)


@pytest.mark.parametrize("finished", [(), ("vae",), ("vae", "evaluation:vae")])
def test_a_run_without_geometry_says_what_is_missing(finished: tuple[str, ...], add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: stage in finished)
    app = open_page("geometry")
    assert not app.exception
    assert "not measured yet" in text_of(app)


def test_a_run_without_tokenizers_is_coloured_by_class(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: stage in ("vae", "geometry"))
    app = open_page("geometry")
    assert not app.exception
    assert app.selectbox(key="geometry_colour").options == ["class of the image"]


def test_a_damaged_geometry_is_named_with_the_remedy(one_run: Path) -> None:
    (one_run / "geometry.safetensors").write_bytes(b"nothing of use")
    app = open_page("geometry")
    assert not app.exception
    assert "geometry.safetensors" in app.error[0].value
    assert "geovq run" in app.error[0].value
