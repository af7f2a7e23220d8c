from pathlib import Path

import pytest

from geovq.app.train.sources import read_source, run_option, source_options
from geovq.config import load_config
from geovq.errors import ConfigError
from geovq.runs import RunSummary

CONFIGS = Path(__file__).parents[3] / "configs"


def summary_of(path: Path, problem: str = "") -> dict[str, RunSummary]:
    return {"mnist-sample/tiny": RunSummary("mnist-sample/tiny", path, "mnist-sample", "tiny", None, 0.0, False, {},
                                            problem=problem)}  # fmt: skip


def test_presets_come_before_runs() -> None:
    options = source_options(CONFIGS, ["mnist/one"])
    assert options[0] == "demo"
    assert options[-1] == run_option("mnist/one")


def test_a_run_brings_its_own_settings_and_its_vae(tiny_run: Path) -> None:
    source = read_source(run_option("mnist-sample/tiny"), CONFIGS, summary_of(tiny_run))
    assert source.config == load_config(tiny_run / "config.yaml")
    assert source.has_vae
    assert not read_source("demo", CONFIGS, {}).has_vae


def test_a_damaged_run_lends_its_settings_but_not_its_vae(tiny_run: Path) -> None:
    source = read_source(run_option("mnist-sample/tiny"), CONFIGS, summary_of(tiny_run, problem="its manifest is torn"))
    assert source.config.name == "tiny"
    assert not source.has_vae


def test_a_run_that_is_gone_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="mnist/gone is not here any more; start from another run"):
        read_source(run_option("mnist/gone"), CONFIGS, {})


def test_runs_of_one_name_and_other_settings_have_widgets_of_their_own(tiny_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "config.yaml"
    other.write_text((tiny_run / "config.yaml").read_text().replace("seed: 0", "seed: 1", 1))
    (tmp_path / "manifest.json").write_bytes((tiny_run / "manifest.json").read_bytes())
    name = run_option("mnist-sample/tiny")
    keys = {read_source(name, CONFIGS, summary_of(path)).key for path in (tiny_run, tmp_path)}
    assert len(keys) == 2
