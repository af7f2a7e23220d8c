"""The page Codebook: one code for all its plots, its links, its replay, and what it says when something is missing."""

import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st

from geovq.app.codebook import data as codebook_data
from geovq.app.codebook.controls import picked_place, picked_tile
from geovq.app.codebook.data import NOWHERE
from geovq.app.codebook.sizes import largest_finding
from geovq.app.shared.scene import Scene
from geovq.runs import Run, open_run
from tests.pages.conftest import alts, chart, charts, open_page, text_of

N_CODES = 8  # of the tiny run
CODE, OF = "codebook_code", "codebook_of"


def test_a_finished_run_shows_every_section_with_computed_findings(one_run: Path) -> None:
    app = open_page("codebook")
    assert not app.exception
    assert not app.error
    assert all(alts(app))
    assert len(charts(app)) == 9
    words = text_of(app)
    assert re.search(r"Riemannian: .* for half of all held-out cells. The largest, code \d, has \d+\.\d%", words)
    assert re.search(r"\d+% of the landmarks have another nearest code by geodesic than straight", words)
    assert re.search(r"A code borders \d\.\d others on average", words)
    assert re.search(r"Pass \d of \d: \d of 8 medoids moved", words)
    assert f"run {one_run.parent.name}/{one_run.name}, seed 0" in words


def test_one_code_is_shown_by_all_plots_and_kept_in_the_link(one_run: Path) -> None:
    app = open_page("codebook", codebook_code="5", codebook_of="Euclidean")
    assert not app.warning
    assert app.number_input(key=CODE).value == 5
    for words in ("patch of code 5", "code 5 is outlined", "code 5 is pointed at", "code 5 and its borders"):
        assert any(words in alt for alt in alts(app)), words
    assert "Code 5 of the Euclidean tokenizer" in text_of(app)
    app.number_input(key=CODE).set_value(2).run()
    assert app.query_params[CODE] == "2"
    assert all("code 5" not in alt for alt in alts(app))
    assert "code 2" in chart(app, "borders are stressed")["layout"]["annotations"][0]["text"]


def test_clicks_choose_a_code_of_the_panel_or_the_mosaic_they_fell_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})
    picked_place([[1, 5]], ["kmeans", "riemannian"])
    assert st.session_state == {OF: "riemannian", CODE: 5}
    picked_tile([2], "euclidean", np.array([7, 4, 6]))
    assert st.session_state == {OF: "euclidean", CODE: 6}
    picked_place([], ["kmeans"])
    assert st.session_state[CODE] == 6


def test_the_code_can_be_changed_by_size(one_run: Path) -> None:
    app = open_page("codebook")
    counts = np.bincount(open_run(one_run).tokens("riemannian", "test").ravel(), minlength=N_CODES)
    by_size = np.argsort(-counts, kind="stable").tolist()
    place = by_size.index(app.number_input(key=CODE).value)
    app = app.button(key="codebook_larger").click().run()
    assert app.number_input(key=CODE).value == by_size[place - 1]
    app = app.button(key="codebook_smaller").click().run()
    assert app.number_input(key=CODE).value == by_size[place]


def test_looking_into_the_other_tokenizer_changes_the_whole_page(one_run: Path) -> None:
    app = open_page("codebook")
    app = app.segmented_control(key=OF).set_value("euclidean").run()
    assert not app.exception
    assert "of the Euclidean tokenizer" in text_of(app)
    assert "latent²" in str(chart(app, "beside the cost of every pass")["layout"])


@pytest.mark.parametrize("code", ["8", "best"])
def test_a_link_to_what_does_not_exist_says_so_and_shows_another(code: str, one_run: Path) -> None:
    app = open_page("codebook", codebook_code=code, codebook_of="love", codebook_pass="99")
    assert not app.exception
    words = " ".join(box.value for box in app.warning)
    assert f"asks for {code} as the code; this run has 0 to 7" in words
    assert "The link looks into love" in words
    assert "asks for 99 as the pass" in words
    assert charts(app)


def test_sizes_can_be_measured_in_area(one_run: Path) -> None:
    app = open_page("codebook", codebook_measure="Riemannian area")
    assert "Riemannian area" in chart(app, "Cluster sizes")["layout"]["yaxis"]["title"]["text"]


def test_the_search_is_replayed_to_its_end_and_stops_there(one_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geovq.app.shared.player.monotonic", count(step=10).__next__)  # every run is a frame
    app = open_page("codebook", codebook_of="riemannian")
    last: Any = app.slider(key="codebook_pass").value
    app = app.button(key="codebook_reset").click().run()
    assert "The start: 8 landmarks" in text_of(app)
    for step in range(1, last + 1):
        app = app.button(key="codebook_step").click().run()
        assert f"Pass {step} of {last}" in text_of(app)
    assert app.button(key="codebook_step").disabled
    app = app.button(key="codebook_play").click().run()
    assert app.slider(key="codebook_pass").value < last  # from the start again
    for _ in range(last + 2):
        app = app.run()
    assert app.session_state["codebook_playing"] is False
    assert app.slider(key="codebook_pass").value == last


def test_silhouettes_are_measured_when_they_are_asked_for(one_run: Path) -> None:
    app = open_page("codebook")
    assert not any("silhouette" in alt for alt in alts(app))
    app = app.button(key="codebook_ask_silhouettes").click().run()
    assert not app.exception
    assert re.search(r"Clusters are most distinct with \d codes: 0\.\d\d", text_of(app))
    assert chart(app, "silhouette")["data"][0]["x"][-1] == N_CODES


def test_a_tokenizer_with_a_latent_space_of_its_own_still_shows_its_codes(one_run: Path) -> None:
    app = open_page("codebook")
    app = app.multiselect(key="codebook_tokenizers").set_value(["vqvae"]).run()
    assert not app.exception
    assert not app.error
    assert "of the held-out cells" in text_of(app)
    assert "Euclidean area, " not in text_of(app)
    assert "no landmarks" in text_of(app)


def test_without_a_measured_geometry_codes_and_counts_are_left(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: stage != "geometry")
    app = open_page("codebook")
    assert not app.exception
    assert not app.error
    assert any("Cluster sizes" in alt for alt in alts(app))


def test_landmarks_without_a_measured_graph_are_still_shown(one_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of the prototype are, which stands on landmarks of its own."""
    for module in ("codebook.plane", "codebook.patches", "codebook.page"):
        monkeypatch.setattr(f"geovq.app.{module}.stands_on_graph", lambda run, name: False)
    app = open_page("codebook")
    assert not app.exception
    assert not app.error
    assert any("with the medoids as diamonds" in alt for alt in alts(app))


def test_cells_are_those_of_the_nearest_medoid_by_both_distances(run: Run, scene: Scene) -> None:
    cells = codebook_data.cells(run, "riemannian")
    tokenizer = codebook_data.landmark_tokenizer(run, "riemannian")
    np.testing.assert_array_equal(cells.labels["geodesic"], tokenizer.label)
    points = tokenizer.landmarks.numpy()
    gaps = np.linalg.norm(points[:, None] - points[tokenizer.medoid_indices.numpy()], axis=2)
    own = gaps[np.arange(len(points)), cells.labels["euclidean"]]
    np.testing.assert_allclose(own, gaps.min(axis=1), rtol=1e-6)
    for codes in cells.maps.values():
        assert codes.shape == (len(cells.y), len(cells.x))
        assert set(np.unique(codes)) <= {NOWHERE, *range(N_CODES)}


def test_the_replay_ends_with_the_tokenizer_as_it_is(run: Run, scene: Scene) -> None:
    for name in ("euclidean", "riemannian"):
        tokenizer = codebook_data.landmark_tokenizer(run, name)
        last = len(tokenizer.medoid_history) - 1
        labels = codebook_data.labels_after(run, name, last)
        assert (labels == tokenizer.label.numpy()).mean() > 0.99  # landmarks midway between two may go either way


def test_areas_are_shares_of_one_whole(run: Run, scene: Scene) -> None:
    for name in ("kmeans", "riemannian"):
        areas = codebook_data.areas(run, name)
        assert areas.euclidean.shape == areas.riemannian.shape == (N_CODES,)
        assert areas.euclidean.sum() == pytest.approx(1)
        assert areas.riemannian.sum() == pytest.approx(1)


@pytest.mark.parametrize(("counts", "words"), [([50, 30, 20], "one code stands"), ([40, 30, 30], "2 codes stand")])
def test_the_finding_counts_the_codes_that_do_half_of_the_work(counts: list[int], words: str) -> None:
    assert largest_finding(np.array(counts)) == f"{words} for half of all held-out cells"
