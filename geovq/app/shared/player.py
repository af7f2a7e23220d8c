"""A player of a sequence: it is moved by hand, or moves on by itself, one place per frame until the end."""

from dataclasses import dataclass
from time import monotonic

import streamlit as st

_EARLY = 0.8  # share of a frame after which the next place is due: timers are not exact


@dataclass(frozen=True)
class Player:
    """A place in a sequence, and whether it moves on by itself; the session holds both.

    Attributes
    ----------
    place : str
        Session key of the place, and of the slider that shows it.
    playing : str
        Session key of the time from which it moves on; False while it does not.
    first : int
        Where the sequence begins.
    frame_s : float
        Seconds per place while it plays.
    """

    place: str
    playing: str
    first: int
    frame_s: float

    @property
    def run_every(self) -> float | None:
        """For the fragment that is stepped through."""
        return self.frame_s if st.session_state.get(self.playing) else None

    def advance(self, last: int) -> None:
        """One place on, if it plays and it is time; at the end it stops, and the page runs again.

        Comes before the slider. Clicks run the fragment too, Play itself twice: these are no frames.
        """
        due = st.session_state.get(self.playing)
        if not due or monotonic() < due:
            return
        place = int(st.session_state.get(self.place, last))
        if place >= last:
            st.session_state[self.playing] = False
            st.rerun()
        self._go(place + 1)
        self._wait()

    def button(self, label: str, icon: str, to: int, last: int, key: str | None = None) -> None:
        """A button to another place, disabled where that is no other place of the sequence. Comes after the slider."""
        nowhere = to == st.session_state[self.place] or not self.first <= to <= last
        st.button(label, icon=f":material/{icon}:", key=key, on_click=self._go, args=(to,), disabled=nowhere)

    def play_button(self, last: int, key: str) -> None:
        """Play or pause; played at the end, it starts over."""
        label, icon = ("Pause", "pause") if st.session_state.get(self.playing) else ("Play", "play_arrow")
        # The timer belongs to the fragment, so it starts and ends with a run of the whole page. The key keeps the
        # button the same one when its label changes; without it, the click would be lost.
        if st.button(label, icon=f":material/{icon}:", key=key, on_click=self._toggle, args=(last,)):
            st.rerun()

    def _go(self, to: int) -> None:
        st.session_state[self.place] = to

    def _wait(self) -> None:
        st.session_state[self.playing] = monotonic() + _EARLY * self.frame_s

    def _toggle(self, last: int) -> None:
        if st.session_state.get(self.playing):
            st.session_state[self.playing] = False
            return
        self._wait()
        if st.session_state[self.place] == last:
            self._go(self.first)
