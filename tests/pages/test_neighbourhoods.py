"""The page Neighbourhoods: its sections, its links, and what it says when something is missing."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from geovq.app.neighbourhoods.controls import next_worst
from geovq.app.neighbourhoods.data import KINDS, Agreement, Kind
from tests.pages.conftest import alts, chart, charts, open_page, text_of

N_LANDMARKS = 200  # of the tiny run
QUERY = "neighbourhoods_query"


def listed(app: AppTest, kind: str) -> list[int]:
    """Landmarks of a list, nearest first."""
    spec = chart(app, f"Nearest by {kind}" if kind != "pixels" else "Nearest in pixels")
    (texts,) = [trace["text"] for trace in spec["data"] if trace.get("mode") == "text"]
    return [int(text[1:]) for text in texts if text.startswith("#")]


def agreement_of(overlaps: list[float], visible: list[float], k: int = 4) -> Agreement:
    """Three or more queries, numbered in tens, that share the given parts of k neighbours."""
    n = len(overlaps)
    first = np.tile(np.arange(k), (n, 1))
    shared = np.rint(k * np.array(overlaps)).astype(int)
    second = np.where(np.arange(k)[None] < shared[:, None], first, first + 100)
    nearest: dict[Kind, NDArray[np.intp]] = {"euclidean": first, "geodesic": second, "pixels": first}
    return Agreement(10 * np.arange(n), nearest, np.tile(np.array(visible, dtype=float)[:, None], k), np.zeros(n), 5, n)


def test_a_finished_run_shows_lists_map_and_connectivity_with_a_verdict(one_run: Path) -> None:
    app = open_page("neighbourhoods")
    assert not app.exception
    assert not app.error
    assert len(charts(app)) == 8
    assert all(alts(app))
    words = text_of(app)
    assert re.search(r"Of the 10 nearest by Euclid, \d+\.\d on average are also among the 10 nearest by the", words)
    assert f"run {one_run.parent.name}/{one_run.name}, seed 0" in words
    assert re.search(r"\d+ of \d+ distinct landmarks", words)


def test_each_list_has_k_neighbours_of_the_query_and_not_itself(one_run: Path) -> None:
    app = open_page("neighbourhoods", neighbourhoods_query="12", neighbourhoods_k="7")
    for kind in ("Euclid", "geodesic", "pixels"):
        neighbours = listed(app, kind)
        assert len(set(neighbours)) == 7
        assert 12 not in neighbours


def test_the_link_names_landmark_and_k_and_opens_them_again(one_run: Path) -> None:
    app = open_page("neighbourhoods", neighbourhoods_query="12", neighbourhoods_k="7")
    assert app.number_input(key=QUERY).value == 12
    assert app.slider(key="neighbourhoods_k").value == 7
    assert "Who is near landmark 12?" in [heading.value for heading in app.subheader]
    app.number_input(key=QUERY).set_value(34).run()
    assert app.query_params[QUERY] == "34"
    assert "Who is near landmark 34?" in [heading.value for heading in app.subheader]


@pytest.mark.parametrize("value", [str(N_LANDMARKS), "-1", "first"])
def test_a_link_to_a_landmark_that_does_not_exist_says_so_and_shows_another(value: str, one_run: Path) -> None:
    app = open_page("neighbourhoods", neighbourhoods_query=value)
    assert not app.exception
    (box,) = app.warning
    assert f"asks for {value} as the landmark" in box.value
    assert f"0 to {N_LANDMARKS - 1}" in box.value
    assert charts(app)


def test_links_with_other_impossible_values_are_no_errors(one_run: Path) -> None:
    app = open_page("neighbourhoods", neighbourhoods_k="900", neighbourhoods_measure="love")
    assert not app.exception
    assert not app.error
    assert app.slider(key="neighbourhoods_k").value == 20


def test_the_worst_cases_are_one_click_away(one_run: Path) -> None:
    app = open_page("neighbourhoods")
    buttons = [button for button in app.button if (button.key or "").startswith("neighbourhoods_worst_")]
    worst = [int(str(button.key).rsplit("_", 1)[1]) for button in buttons]
    assert app.number_input(key=QUERY).value == worst[0]
    app = buttons[2].click().run()
    assert app.number_input(key=QUERY).value == worst[2]
    app = app.button(key="neighbourhoods_next").click().run()
    assert app.number_input(key=QUERY).value == worst[3]


def test_the_map_can_show_the_rank_correlation(one_run: Path) -> None:
    app = open_page("neighbourhoods")
    assert "overlap" in str(chart(app, "one mark per landmark")["layout"]["coloraxis"])
    app = app.segmented_control(key="neighbourhoods_measure").set_value("rank correlation").run()
    assert "Spearman" in str(chart(app, "one mark per landmark")["layout"]["coloraxis"])


def test_the_worst_case_after_the_last_is_the_first_again() -> None:
    agreement = agreement_of([0.5, 0.0, 0.25], visible=[1, 1, 1])
    assert agreement.worst_first(4).tolist() == [10, 20, 0]
    assert next_worst(agreement, 4, 10) == 20
    assert next_worst(agreement, 4, 0) == 10
    assert next_worst(agreement, 4, 77) == 10  # none of those that were asked


def test_cases_that_cannot_be_seen_come_last() -> None:
    agreement = agreement_of([0.0, 0.5, 0.25, 0.0], visible=[0.1, 3, 2, 0.2])
    assert agreement.worst_first(4).tolist() == [20, 10, 30, 0]


def test_means_are_counted_in_neighbours() -> None:
    agreement = agreement_of([0.5, 0.0, 0.25], visible=[1, 1, 1])
    assert agreement.mean_shared("euclidean", "geodesic", 4) == pytest.approx(1.0)
    assert agreement.mean_shared("euclidean", "pixels", 4) == 4
    assert set(agreement.nearest) == set(KINDS)


@pytest.mark.parametrize("finished", [(), ("vae",), ("vqvae", "tokenizer:vqvae")])
def test_a_run_without_geometry_says_what_is_missing(finished: tuple[str, ...], add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: stage in finished)
    app = open_page("neighbourhoods")
    assert not app.exception
    assert "not measured yet" in text_of(app)


def test_a_damaged_geometry_is_named_with_the_remedy(one_run: Path) -> None:
    (one_run / "geometry.safetensors").write_bytes(b"nothing of use")
    app = open_page("neighbourhoods")
    assert not app.exception
    (box,) = app.error
    assert "geometry.safetensors" in box.value
