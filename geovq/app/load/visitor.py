"""One visitor of the app, without a browser: Streamlit's messages over its own websocket, page after page.

What a browser would ask and answer is sent as protobuf messages; a page is done when the server says that its script
has finished.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from geovq.app.shared.lesson_files import PAGE_NAMES
from geovq.serving import ADDRESS

_HOME = "home"
_FIRST_PATIENCE_S = 600.0  # for the first page of a new server
_FOR_RERUN = ForwardMsg.FINISHED_EARLY_FOR_RERUN
_LONGEST_THOUGHT = 4.0  # times the mean


@dataclass(frozen=True)
class Visit:
    """One page as a visitor met it.

    Attributes
    ----------
    page, run : str
    seconds : float
        From the question to the end of the page's script.
    n_bytes : int
        That the server sent.
    error : str
        What went wrong; empty if nothing did.
    """

    page: str
    run: str
    seconds: float
    n_bytes: int
    error: str = ""


class _Socket(Protocol):
    async def send(self, message: bytes) -> None: ...

    async def recv(self) -> bytes | str: ...


@dataclass(frozen=True)
class Walk:
    """How visitors behave.

    Attributes
    ----------
    port : int
        Of the app, on 127.0.0.1.
    runs : sequence of str
        Link ids of the runs that they look at.
    think_s : float
        Mean of the times, exponentially distributed, between the end of a page and the next question.
    seconds : float
        After that nobody asks for another page.
    seed : int
    patience_s : float
        A page that takes longer is an error, and its visitor opens another connection.
    """

    port: int
    runs: Sequence[str]
    think_s: float
    seconds: float
    seed: int
    patience_s: float


async def visit_pages(walk: Walk, visitor: int) -> list[Visit]:
    """Walk about until the time is over; a lost connection is an error, and the visitor opens another one."""
    choice = random.Random(f"{walk.seed}/{visitor}")
    ends_at = time.monotonic() + walk.seconds
    visits: list[Visit] = []
    await asyncio.sleep(choice.uniform(0, min(walk.think_s, walk.seconds)))  # not all in the same moment
    while time.monotonic() < ends_at:
        try:
            async with _connection(walk) as socket:
                while time.monotonic() < ends_at:
                    visit = await ask_for(socket, choice.choice(PAGE_NAMES), choice.choice(walk.runs), walk.patience_s)
                    visits.append(visit)
                    if visit.seconds >= walk.patience_s:
                        break
                    thought = min(choice.expovariate(1 / walk.think_s), _LONGEST_THOUGHT * walk.think_s)
                    await asyncio.sleep(max(0.0, min(thought, ends_at - time.monotonic())))
        except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
            visits.append(Visit("(connection)", "", 0.0, 0, f"{type(error).__name__}: {error}"))
            await asyncio.sleep(1)
    return visits


async def first_visit(walk: Walk) -> Visit:
    """Open the first page of a new server."""
    async with _connection(walk) as socket:
        return await ask_for(socket, _HOME, walk.runs[0], _FIRST_PATIENCE_S)


async def ask_for(socket: _Socket, page: str, run: str, patience_s: float) -> Visit:
    """Open one page and wait for its end, or until patience is over, which is an error."""
    question = BackMsg()
    question.rerun_script.page_name = "" if page == _HOME else page
    question.rerun_script.query_string = urlencode({"run": run})
    asked_at, n_bytes, error = time.monotonic(), 0, ""
    await socket.send(question.SerializeToString())
    try:
        async with asyncio.timeout(patience_s):
            while True:
                content = await socket.recv()
                assert isinstance(content, bytes)
                n_bytes += len(content)
                answer = ForwardMsg.FromString(content)
                error = error or error_in(answer)
                # Where a page has asked for itself once more, it goes on.
                if answer.WhichOneof("type") == "script_finished" and answer.script_finished != _FOR_RERUN:
                    return Visit(page, run, time.monotonic() - asked_at, n_bytes, error)
    except TimeoutError:
        seconds = time.monotonic() - asked_at
        return Visit(page, run, seconds, n_bytes, error or f"no end after {patience_s:g} s")


def _connection(walk: Walk) -> connect:
    return connect(
        f"ws://{ADDRESS}:{walk.port}/_stcore/stream",
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
        compression=None,  # which would measure the client
        open_timeout=walk.patience_s,
        close_timeout=2,
    )


def error_in(answer: ForwardMsg) -> str:
    """What a message says went wrong; empty if it says nothing of that kind."""
    if answer.WhichOneof("type") != "delta" or answer.delta.WhichOneof("type") != "new_element":
        return ""
    element = answer.delta.new_element
    if element.WhichOneof("type") == "exception":
        return f"{element.exception.type}: {element.exception.message}"
    if element.WhichOneof("type") == "alert" and element.alert.format == element.alert.ERROR:
        return element.alert.body
    return ""
