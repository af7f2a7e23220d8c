from pathlib import Path

import pytest

from geovq.study.running import run_study
from tests.study.small_study import write_study


@pytest.fixture(scope="session")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of the small study."""
    return write_study(tmp_path_factory.mktemp("configs"))


@pytest.fixture(scope="session")
def finished_study(study_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study, whole. Only to be read: copy it to change it."""
    out = tmp_path_factory.mktemp("study")
    run_study(study_file, out)
    return out
