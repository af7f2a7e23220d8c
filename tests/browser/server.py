"""The app as a visitor's machine runs it: `streamlit run app.py` in a process of its own, with its own outputs."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from geovq.runs.process.pids import find_process
from geovq.runs.process.status import STATUS_FILE, stored_status

PROJECT = Path(__file__).parents[2]
_START_LIMIT_S = 90.0  # importing torch and streamlit takes seconds, and many of them on a busy machine
_STOP_LIMIT_S = 10.0


class AppServer:
    """One server on a free port, from its start until `stop`.

    Parameters
    ----------
    folder : Path
        Gets the server's log, and `outputs/` for its runs.

    Attributes
    ----------
    url : str
    outputs : Path
        Root of the runs that are started here.
    started : float
        When the process was started, in seconds of `time.monotonic`.
    """

    def __init__(self, folder: Path) -> None:
        self.outputs = folder / "outputs"
        self.outputs.mkdir(parents=True)
        self._log = folder / "streamlit.log"
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        # Nobody edits the app meanwhile, and watching every imported file takes time from the app.
        command += ["--server.fileWatcherType", "none"]
        environment = {**os.environ, "GEOVQ_OUTPUTS": str(self.outputs), "OMP_NUM_THREADS": "1"}
        self.started = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise

    def log(self) -> str:
        """All that the server and its jobs' launcher have printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def cpu_seconds(self) -> float:
        """What the server has computed so far, all its threads and the system's work for them."""
        times = psutil.Process(self._process.pid).cpu_times()
        used: float = times.user + times.system
        return used

    def resident_mb(self) -> float:
        """Memory of the server and its children."""
        server = psutil.Process(self._process.pid)
        n_bytes: int = sum(process.memory_info().rss for process in [server, *server.children(recursive=True)])
        return n_bytes / 1e6

    def clear(self) -> None:
        """End the jobs that were started here, and forget their runs."""
        jobs = self._jobs()
        for job in jobs:
            _kill(job)
        psutil.wait_procs(jobs, timeout=_STOP_LIMIT_S)
        for entry in self.outputs.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def stop(self) -> None:
        """End the jobs that were started here, and the server."""
        self.clear()
        self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_healthy(self) -> None:
        while time.monotonic() - self.started < _START_LIMIT_S:
            if self._process.poll() is not None:
                raise RuntimeError(f"Streamlit ended with code {self._process.returncode}:\n{self.log()}")
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5):
                    return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.1)
        raise RuntimeError(f"Streamlit is not up after {_START_LIMIT_S:.0f} s:\n{self.log()}")

    def _jobs(self) -> list[psutil.Process]:
        """Living jobs: by what their runs say, and children of the server whose runs say nothing yet."""
        statuses = [stored_status(file.parent) for file in self.outputs.glob(f"*/*/{STATUS_FILE}")]
        named = [find_process(status.pid, status.pid_started) for status in statuses if status is not None]
        try:
            children = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            children = []
        return list({process.pid: process for process in [*named, *children] if process is not None}.values())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
