"""The app under load: a server of its own on the loopback interface, and visitors that walk about for a while."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from geovq.app.load.report import lines, measured
from geovq.app.load.visitor import Visit, Walk, first_visit, visit_pages
from geovq.app.shared.links import link_id
from geovq.artifacts import write_json
from geovq.bundle import package_parent
from geovq.errors import ServingError
from geovq.runs import list_runs
from geovq.serving import ADDRESS

_START_LIMIT_S, _STOP_LIMIT_S = 120.0, 10.0


def bench_app(
    *, n_sessions: int, seconds: float, think_s: float, patience_s: float, seed: int, out: Path | None
) -> dict[str, Any]:
    """Start the app, let visitors walk about in it, print what they met, and end the app.

    Parameters
    ----------
    n_sessions : int
    seconds : float
    think_s : float
        Mean time between a page and the next.
    patience_s : float
        A page that takes longer is an error; the bench ends at most so long after `seconds`.
    seed : int
        Of the ways that they take.
    out : Path, optional
        JSON to write.

    Raises
    ------
    ServingError
        If the app does not start.
    """
    with _served() as (server, port):
        walk = Walk(port, [link_id(summary) for summary in list_runs()], think_s, seconds, seed, patience_s)
        first = asyncio.run(first_visit(walk))  # the server loads its libraries for it
        visits, memory_mb, cpu_s, took_s = asyncio.run(_walk(walk, n_sessions, server))
    found = {"sessions": n_sessions, "think_s": think_s, "first_page_s": first.seconds}
    found |= measured(visits, memory_mb, cpu_s, took_s)
    print(f"{n_sessions} sessions, {think_s:g} s to think; the first page of a new server took {first.seconds:.1f} s.")
    print(*lines(found), sep="\n")
    if out is not None:
        write_json(out, found)
        print(f"Written to {out}.")
    return found


async def _walk(walk: Walk, n_sessions: int, server: psutil.Process) -> tuple[list[Visit], list[float], float, float]:
    began, cpu_before = time.monotonic(), _cpu_s(server)
    memory_mb = [_memory_mb(server)]

    async def watch() -> None:
        while True:
            await asyncio.sleep(1)
            memory_mb.append(_memory_mb(server))

    watching = asyncio.create_task(watch())
    try:
        walked = await asyncio.gather(*(visit_pages(walk, visitor) for visitor in range(n_sessions)))
    finally:
        watching.cancel()
    memory_mb.append(_memory_mb(server))
    visits = [visit for one in walked for visit in one]
    return visits, memory_mb, _cpu_s(server) - cpu_before, time.monotonic() - began


@contextmanager
def _served() -> Iterator[tuple[psutil.Process, int]]:
    """The app in a process of its own, ended with the block."""
    port = _free_port()
    path = os.pathsep.join(filter(None, [str(package_parent()), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", "geovq", "app", "--port", str(port), "--no-browser"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _answers(process, port):
                log.seek(0)
                raise ServingError(f"The app did not start: {log.read().decode(errors='replace').strip()[-2_000:]}")
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()
            try:
                process.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{ADDRESS}:{port}/_stcore/health", timeout=5):
                return True
        except OSError:
            time.sleep(0.2)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


def _memory_mb(server: psutil.Process) -> float:
    n_bytes: int = sum(process.memory_info().rss for process in [server, *server.children(recursive=True)])
    return n_bytes / 1e6


def _cpu_s(server: psutil.Process) -> float:
    times = server.cpu_times()
    used: float = times.user + times.system
    return used
