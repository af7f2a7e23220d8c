"""The notebook that repeats a run: its format, and what comes out when its cells are run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from geovq.reports.notebook import run_notebook
from geovq.runs import open_run

PROJECT = Path(__file__).parents[2]


def code_of(notebook: dict) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_file_is_a_notebook_of_format_4_5(tiny_run: Path) -> None:
    notebook = json.loads(run_notebook(open_run(tiny_run)))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)
    for cell in notebook["cells"]:
        keys = {"cell_type", "id", "metadata", "source"}
        assert set(cell) == keys | ({"execution_count", "outputs"} if cell["cell_type"] == "code" else set())
    for text in code_of(notebook):
        compile(text, "cell", "exec")


def test_it_holds_the_settings_of_the_run(tiny_run: Path) -> None:
    run = open_run(tiny_run)
    first = code_of(json.loads(run_notebook(run)))[0]
    scope: dict = {}
    exec("\n".join(line for line in first.splitlines() if line.startswith("CONFIG = ")), scope)
    assert scope["CONFIG"] == (run.path / "config.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_its_cells_repeat_the_run_in_a_fresh_process(tiny_run: Path, tmp_path: Path) -> None:
    run = open_run(tiny_run)
    script = tmp_path / "cells.py"
    script.write_text("\n\n".join(code_of(json.loads(run_notebook(run)))), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": "", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in run.tokenizers:
        bits, bits_before, mse, mse_before = map(
            float, re.findall(rf"^{name} +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$", done.stdout, re.MULTILINE)[0]
        )
        assert bits == pytest.approx(bits_before, rel=0.02)  # sums may be rounded otherwise in another process
        assert mse == pytest.approx(mse_before, rel=0.02)
        assert f"{name}: Joint search" in done.stdout
