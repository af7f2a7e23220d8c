"""A player whose clock the test sets: a frame is a run of the page, and so is a click."""

import pytest
from streamlit.testing.v1 import AppTest

from geovq.app.shared import player

FRAME_S = 1.5


def script() -> None:
    import streamlit as st

    from geovq.app.shared.player import Player

    player = Player("place", "playing", first=1, frame_s=1.5)
    player.advance(9)
    place = st.slider("Place", 1, 9, key="place")
    player.button("Back", "chevron_left", place - 1, 9, key="back")
    player.button("Start", "restart_alt", 1, 9, key="start")
    player.button("Step", "chevron_right", place + 1, 9, key="step")
    player.play_button(9, key="play")
    st.caption(str(player.run_every))


class Clock:
    """Stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(player, "monotonic", clock)
    return clock


def at(place: int) -> AppTest:
    app = AppTest.from_function(script)
    app.session_state["place"] = place
    return app.run()


def look(app: AppTest) -> tuple[int, str, str]:
    place = app.slider[0].value
    assert isinstance(place, int)
    return place, app.button(key="play").label, app.caption[0].value


def press_play(app: AppTest) -> AppTest:
    return app.button(key="play").click().run()


@pytest.mark.parametrize(("place", "shut"), [(1, {"back", "start"}), (2, set()), (9, {"step"})])
def test_a_button_that_leads_nowhere_is_shut(place: int, shut: set[str]) -> None:
    assert {button.key for button in at(place).button if button.disabled} == shut


def test_while_it_plays_each_frame_is_one_place_on_and_the_end_stops_it(clock: Clock) -> None:
    app = press_play(at(7))
    for expected in [(8, "Pause", "1.5"), (9, "Pause", "1.5"), (9, "Play", "None"), (9, "Play", "None")]:
        clock.now += FRAME_S
        app.run()
        assert look(app) == expected


def test_what_runs_the_page_between_frames_moves_nothing(clock: Clock) -> None:
    app = press_play(at(3))
    assert look(app.run()) == (3, "Pause", "1.5")
    clock.now += FRAME_S
    assert look(app.run()) == (4, "Pause", "1.5")
    clock.now += FRAME_S / 2
    assert look(app.run()) == (4, "Pause", "1.5")


def test_played_at_the_end_it_starts_over(clock: Clock) -> None:
    assert look(press_play(at(9))) == (1, "Pause", "1.5")


def test_a_pause_stays_where_it_is(clock: Clock) -> None:
    app = press_play(press_play(at(4)))
    clock.now += FRAME_S
    assert look(app.run()) == (4, "Play", "None")
