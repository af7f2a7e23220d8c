import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from geovq.config import load_config
from geovq.runs.manifest import read_manifest
from geovq.runs.process.pids import this_process
from geovq.runs.process.status import State, Status, write_status
from tests.app.conftest import run as run  # `x as x`: a fixture for these tests too
from tests.app.conftest import scene as scene

PROJECT = Path(__file__).parents[2]
Keep = Callable[[str], bool]


@pytest.fixture
def no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty outputs root, on a machine without shipped runs."""
    root = tmp_path / "outputs"
    root.mkdir()
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(root))
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", tmp_path / "shipped")
    monkeypatch.chdir(PROJECT)
    yield root
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def add_run(no_runs: Path, tiny_run: Path) -> Callable[..., Path]:
    """Puts a copy of the trained run below the outputs root; `keep` says which of its stages are finished."""

    def add(keep: Keep = lambda stage: True) -> Path:
        config = load_config(tiny_run / "config.yaml")
        path = no_runs / config.data.dataset / config.name
        shutil.copytree(tiny_run, path)
        for leftover in ("status.json", "cancel"):
            (path / leftover).unlink(missing_ok=True)
        manifest = read_manifest(path)
        assert manifest is not None
        values = json.loads((path / "manifest.json").read_text())
        values["stages"] = {name: record for name, record in values["stages"].items() if keep(name)}
        (path / "manifest.json").write_text(json.dumps(values))
        return path

    return add


@pytest.fixture
def one_run(add_run: Callable[..., Path]) -> Path:
    """The outputs root holds one finished run."""
    return add_run()


def at_work(run: Path, **progress: Any) -> None:
    """Lets the run have a job that is alive: this process."""
    pid, started = this_process()
    write_status(run, Status(State.RUNNING, pid=pid, pid_started=started, started_at=1.0, **progress))


def open_page(name: str, **query: str) -> AppTest:
    """The app in a new session, on one of its pages."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params.update(query)
    app.run()
    return app if name == "home" else app.switch_page(f"pages/{name}.py").run()


def text_of(app: AppTest) -> str:
    """All words of a page, as they are read: without the backslashes that keep Markdown from reading them."""
    parts = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.info, *app.error]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def charts(app: AppTest) -> list[dict[str, Any]]:
    """Figures of a page, as sent to the browser."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def alts(app: AppTest) -> list[str]:
    """What each figure of a page says to those who do not see it."""
    return [element.proto.alt for element in app.get("plotly_chart")]


def chart(app: AppTest, words: str) -> dict[str, Any]:
    """The first figure whose text for those who do not see it has these words."""
    return next(spec for spec, alt in zip(charts(app), alts(app), strict=True) if words in alt)
