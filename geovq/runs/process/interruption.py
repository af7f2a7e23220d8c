"""Ctrl-C and SIGTERM as KeyboardInterrupt, also where they make other code raise another error."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block Ctrl-C and SIGTERM raise KeyboardInterrupt, and the block ends with no other error.

    A signal may arrive in Python code that was called from C, and the caller may then raise an error of its own: for
    example safetensors, that a tensor has no shape, and the reader of the file, that it is damaged. Any error after a
    signal is raised as KeyboardInterrupt. Only the main thread gets signals; in another one the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Exception as error:
        if interrupted:
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
