"""Interruption: whatever a signal breaks, it is a KeyboardInterrupt that leaves; other errors stay what they are."""

import signal
import threading

import pytest

from geovq.runs.process.interruption import interruptible

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_an_error_that_a_signal_caused_is_the_interruption(number):
    @interruptible()
    def read():
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            raise ValueError("could not determine the shape") from None

    with pytest.raises(KeyboardInterrupt) as caught:
        read()
    assert isinstance(caught.value.__cause__, ValueError)


def test_an_error_without_a_signal_stays_what_it_is_and_the_handlers_come_back():
    before = [signal.getsignal(number) for number in SIGNALS]

    @interruptible()
    def fail():
        assert [signal.getsignal(number) for number in SIGNALS] != before
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        fail()
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_outside_the_main_thread_signals_are_left_alone():
    entered = []

    def work():
        with interruptible():
            entered.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert entered == [True]
