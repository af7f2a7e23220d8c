"""`geovq app`: the app in a browser, served to this machine alone.

Streamlit reads `.streamlit/config.toml` beside the script that it runs, so the app has its settings wherever it is
started. Runs are read from and written to the current folder's `outputs/`, as by every other command.
"""

import argparse
import os
import runpy
import socket
import sys
import threading
import time
import urllib.request
import webbrowser
from importlib.util import find_spec

from geovq.bundle import require_bundled, whereabouts
from geovq.classroom import is_classroom, listed_runs
from geovq.errors import InvalidValueError, ServingError

ADDRESS = "127.0.0.1"
PORT = 8501  # Streamlit's own default
APP_PACKAGES = ("streamlit", "plotly", "pyarrow")  # what the extra `app` brings and every page needs
_BROWSER_LIMIT_S = 60.0


def add_app_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `app`."""
    command = commands.add_parser("app", help="open the app in a browser")
    command.add_argument("--port", type=int, default=PORT, help=f"where the server listens (default: {PORT})")
    command.add_argument("--no-browser", action="store_true", help="only say the address")
    command.set_defaults(do=lambda options: serve(options.port, browser=not options.no_browser))


def serve(port: int = PORT, *, browser: bool = True) -> None:
    """Serve the app until somebody ends it; this process becomes Streamlit's.

    Parameters
    ----------
    port : int, default=8501
        Where to listen, on the loopback interface.
    browser : bool, default=True
        Whether to open a browser as soon as the app answers.

    Raises
    ------
    ServingError
        If a package that the app needs is not installed, or the port cannot be listened on.
    ArtifactError
        If a file of the app is missing.
    InvalidValueError
        If `port` is no port.
    ConfigError
        If `GEOVQ_MODE` or `GEOVQ_RUNS` is not understood.
    """
    lacking = [name for name in APP_PACKAGES if find_spec(name) is None]
    if lacking:
        raise ServingError(
            f"The app needs {', '.join(lacking)}, which this environment lacks; "
            'install what belongs to the app with `pip install "geovq[app]"`.'
        )
    script = require_bundled("app.py")
    for parts in ((".streamlit", "config.toml"), ("pages", "home.py"), ("configs", "demo.yaml"), ("assets", "lessons")):
        require_bundled(*parts)
    require_free(port)
    mode = f" In classroom mode, with the shipped runs and {len(listed_runs())} more." if is_classroom() else ""
    address = f"http://{ADDRESS}:{port}"
    print(f"{whereabouts()}\nThe app is at {address}; Ctrl+C ends it.{mode}", flush=True)
    if browser and has_display():
        threading.Thread(target=_open_when_up, args=(address,), daemon=True).start()
    # Nobody edits an installed app, and watching every imported file takes time from it.
    options = {"port": port, "address": ADDRESS, "headless": "true", "fileWatcherType": "none"}
    sys.argv = ["streamlit", "run", str(script)]
    sys.argv += [word for name, value in options.items() for word in (f"--server.{name}", str(value))]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def require_free(port: int) -> None:
    """Raise `ServingError` if the app could not listen on a port, and `InvalidValueError` if it is none."""
    if not 1 <= port <= 65_535:
        raise InvalidValueError(f"--port must be between 1 and 65535; got {port}.")
    try:
        _listen(port)
    except OSError as error:
        raise ServingError(
            f"Port {port} of {ADDRESS} cannot be used ({error.strerror}); choose another, as in --port {_listen(0)}."
        ) from error


def _listen(port: int) -> int:
    """Listen for a moment, and say on which port: the one that is named, or any free one for 0."""
    with socket.socket() as probe:
        if sys.platform != "win32":  # there, the option would share a port with whoever listens on it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        probe.bind((ADDRESS, port))
        probe.listen()
        listening: int = probe.getsockname()[1]
        return listening


def has_display() -> bool:
    """Whether a browser would open a window; without a display Python may start one that draws in the terminal."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_when_up(address: str) -> None:
    deadline = time.monotonic() + _BROWSER_LIMIT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                break
        except OSError:
            time.sleep(0.2)
    else:
        return
    webbrowser.open(address)
