import os
import subprocess
import sys

import pytest

from geovq.threads import yield_while_waiting


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("PASSIVE", "2000")),
        ({"GOMP_SPINCOUNT": "7"}, ("PASSIVE", "7")),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ("ACTIVE", None)),
    ],
)
def test_what_the_user_has_said_of_waiting_is_kept(monkeypatch, given, expected):
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, given.get(name, ""))  # so that it is as before afterwards
        if name not in given:
            monkeypatch.delenv(name)
    yield_while_waiting()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ.get("GOMP_SPINCOUNT")) == expected


def test_programs_can_still_say_how_threads_wait_when_their_command_line_is_loaded():
    code = "import sys, geovq.__main__, geovq.cli; geovq.cli._parser(); print('torch' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "False"
