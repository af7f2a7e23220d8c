"""A real process: signals end it in order, and it goes on where it was."""

import os
import signal
import subprocess
import sys
import time

import pytest

from geovq.runs.process.status import State, read_status


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="signals")
def test_a_real_process_survives_kill_and_terminate_and_writes_plain_lines(tiny_run, config_file, tmp_path):
    run = tmp_path / "run"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GEOVQ_OUTPUTS": str(tmp_path / "outputs")}
    line = [sys.executable, "-m", "geovq", "run", str(config_file), "--out", str(run)]

    def start():
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    def signal_in(stage, number):
        process = start()
        deadline = time.monotonic() + 120
        try:
            while not ((status := read_status(run)) and status.pid == process.pid and status.stage == stage):
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline, f"{stage} never began"
                time.sleep(0.001)
        finally:
            process.send_signal(number)
        return process.wait(timeout=60), process.communicate()[1]

    assert signal_in("vae", signal.SIGKILL) == (-signal.SIGKILL, "")
    assert read_status(run).state is State.LOST
    code, errors = signal_in("prior:kmeans", signal.SIGTERM)
    assert (code, errors.count("\n")) == (130, 1)
    assert errors.endswith(f"`python -m geovq run {run}` goes on.\n")
    assert read_status(run).state is State.CANCELLED

    output, errors = start().communicate(timeout=120)
    assert errors == ""
    assert "[14/21] prior:kmeans: 24 steps\n[14/21] prior:kmeans: 24/24 steps in 00:0" in output
    assert "\r" not in output
    assert read_status(run).state is State.DONE
    for file in ("vae.safetensors", "tokens/riemannian.npz", "priors/kmeans.safetensors", "evaluation/kmeans.json"):
        assert (run / file).read_bytes() == (tiny_run / file).read_bytes(), file
