"""The run that is trained once per session, as the app reads it; the tests of the pages share it."""

from pathlib import Path

import pytest

from geovq.app.shared.scene import Scene, scene_of
from geovq.runs import Run, open_run


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return open_run(tiny_run)


@pytest.fixture(scope="module")
def scene(run: Run) -> Scene:
    return scene_of(run)
