"""What a visitor makes of the server's messages, on a socket that plays them back."""

import asyncio
from collections.abc import Sequence

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from geovq.app.load.visitor import ask_for, error_in


def finished(status: int = ForwardMsg.FINISHED_SUCCESSFULLY) -> ForwardMsg:
    return ForwardMsg(script_finished=status)  # type: ignore[arg-type]


def with_text(text: str) -> ForwardMsg:
    message = ForwardMsg()
    message.delta.new_element.markdown.body = text
    return message


def with_exception() -> ForwardMsg:
    message = ForwardMsg()
    message.delta.new_element.exception.type = "KeyError"
    message.delta.new_element.exception.message = "'a'"
    return message


def with_alert(kind: str) -> ForwardMsg:
    message = ForwardMsg()
    alert = message.delta.new_element.alert
    alert.format, alert.body = getattr(alert, kind), "The file is damaged."
    return message


class Recorded:
    """Plays messages back, then says nothing more."""

    def __init__(self, messages: Sequence[ForwardMsg]) -> None:
        self.messages, self.sent = [message.SerializeToString() for message in messages], [b""]

    async def send(self, message: bytes) -> None:
        self.sent.append(message)

    async def recv(self) -> bytes:
        if not self.messages:
            await asyncio.sleep(60)
        return self.messages.pop(0)


def test_a_page_lasts_until_its_script_has_ended_for_good() -> None:
    messages = [with_text("a"), finished(ForwardMsg.FINISHED_EARLY_FOR_RERUN), with_text("b"), finished()]
    socket = Recorded([*messages, with_text("of the next page")])
    visit = asyncio.run(ask_for(socket, "tokens", "shipped/mnist/mnist", 9))
    assert (visit.page, visit.run, visit.error) == ("tokens", "shipped/mnist/mnist", "")
    assert visit.n_bytes == sum(len(message.SerializeToString()) for message in messages)
    assert len(socket.messages) == 1
    asked = BackMsg.FromString(socket.sent[-1]).rerun_script
    assert (asked.page_name, asked.query_string) == ("tokens", "run=shipped%2Fmnist%2Fmnist")


def test_the_first_error_of_a_page_is_told() -> None:
    visit = asyncio.run(ask_for(Recorded([with_exception(), with_alert("ERROR"), finished()]), "home", "a/b", 9))
    assert visit.error == "KeyError: 'a'"


def test_a_page_that_does_not_end_is_not_waited_for_without_end() -> None:
    visit = asyncio.run(ask_for(Recorded([with_text("a")]), "home", "a/b", 0.05))
    assert visit.error == "no end after 0.05 s"
    assert visit.seconds >= 0.05


def test_exceptions_and_error_boxes_are_errors_and_nothing_else_is() -> None:
    assert error_in(with_alert("ERROR")) == "The file is damaged."
    for message in (with_alert("WARNING"), with_alert("INFO"), with_text("Error"), finished()):
        assert error_in(message) == ""
