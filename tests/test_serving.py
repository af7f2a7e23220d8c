"""What `geovq app` refuses before it starts anything, and when it opens a browser."""

import http.server
import socket
import threading

import pytest

from geovq import serving
from geovq.errors import ArtifactError, InvalidValueError, ServingError
from geovq.serving import serve


@pytest.fixture(autouse=True)
def nothing_is_served(monkeypatch):
    """A check that lets something through ends here, and not in a server."""

    def refuse(*arguments, **options):
        raise AssertionError("served")

    monkeypatch.setattr(serving.runpy, "run_module", refuse)


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(serving, "find_spec", lambda name: None if name in {"streamlit", "plotly"} else object())
    with pytest.raises(ServingError, match=r"needs streamlit, plotly, .* `pip install \"geovq\[app\]\"`\."):
        serve(browser=False)


def test_a_port_in_use_is_refused_and_a_free_one_named():
    with socket.create_server((serving.ADDRESS, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            ServingError, match=rf"Port {port} of 127\.0\.0\.1 cannot be used .* --port \d+\."
        ) as caught:
            serve(port, browser=False)
        named = int(str(caught.value).rsplit(" ", 1)[1].rstrip("."))
        with socket.create_server((serving.ADDRESS, named)):
            assert named != port


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(InvalidValueError, match=f"between 1 and 65535; got {port}"):
        serve(port, browser=False)


def test_a_missing_file_of_the_app_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("geovq.bundle.bundle_root", lambda: tmp_path)
    with pytest.raises(
        ArtifactError, match=r"app\.py is missing from this geovq; `git checkout -- app\.py` restores it"
    ):
        serve(browser=False)


def test_the_browser_opens_once_the_app_answers(monkeypatch):
    events = []

    class App(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            events.append(self.path)
            self.send_response(200 if len(events) > 1 else 503)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    monkeypatch.setattr(serving.webbrowser, "open", events.append)
    with http.server.HTTPServer((serving.ADDRESS, 0), App) as server:
        answering = threading.Thread(target=server.serve_forever, daemon=True)
        answering.start()
        address = f"http://{serving.ADDRESS}:{server.server_port}"
        serving._open_when_up(address)
        server.shutdown()
        answering.join(timeout=10)
    assert events == ["/_stcore/health", "/_stcore/health", address]
