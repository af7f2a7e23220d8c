"""The runs in checkpoints/: whole, small, made by the settings of their names, and told of truly in the README."""

import json
import re
from pathlib import Path

import pytest

from geovq.artifacts import file_digest
from geovq.config import load_config
from geovq.runs import open_run
from geovq.runs.layout import SHIPPED_ROOT
from geovq.runs.pipeline import input_digest_of
from geovq.runs.stages.plan import plan

PROJECT = Path(__file__).parents[2]
NAMES = ("demo", "mnist", "fashion_mnist", "mnist_plane", "fashion_mnist_plane")


def measured(name, tokenizer):
    return json.loads((SHIPPED_ROOT / name / "evaluation" / f"{tokenizer}.json").read_text())


@pytest.fixture(params=NAMES)
def run(request):
    return open_run(SHIPPED_ROOT / request.param)


def test_every_stage_of_the_settings_is_finished_and_its_files_are_whole(run):
    assert set(run.manifest.stages) == {stage.name for stage in plan(run.config)}
    for record in run.manifest.stages.values():
        assert {file: file_digest(run.path / file) for file in record.files} == record.files


def test_the_settings_are_those_of_the_preset_of_its_name(run):
    assert run.config == load_config(PROJECT / "configs" / f"{run.path.name}.yaml")


def test_settings_that_came_later_do_not_make_its_stages_out_of_date(run):
    for stage in plan(run.config):
        if stage.name in ("vae", "geometry") or stage.name.startswith("tokenizer:"):
            assert input_digest_of(stage, run.manifest) == run.manifest.stages[stage.name].input_digest, stage.name


def test_all_of_them_take_at_most_40_megabytes():
    assert sum(file.stat().st_size for file in SHIPPED_ROOT.rglob("*") if file.is_file()) <= 40e6


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_vqvae_that_tokenizers_are_compared_with_is_alive(name):
    assert measured(name, "vqvae")["fraction_used"] >= 0.95


def test_digits_through_few_codes_stay_within_the_bounds_that_the_project_set_itself():
    assert measured("mnist", "vae")["mse"] <= 0.0033
    assert measured("mnist", "vqvae")["mse"] <= 0.0030
    assert measured("mnist", "riemannian")["refit_mse"] <= 0.0030
    assert measured("mnist", "riemannian")["entropy_bits"] <= 4.7


def test_the_table_in_the_readme_says_what_the_files_say():
    rows = re.findall(r"^\| `(\w+)` \| ([\w-]+) \|(.*)\|$", (PROJECT / "README.md").read_text(), flags=re.MULTILINE)
    assert {name for name, *_ in rows} == set(NAMES) - {"demo"}
    for name, tokenizer, cells in rows:
        values = measured(name, tokenizer)
        keys = ("entropy_bits", "distortion", "mse", "refit_mse", "prior_bits_per_image", "samples_frechet_distance")
        for key, cell in zip(keys, cells.replace("*", "").split("|"), strict=True):
            shown = cell.strip()
            digits = len(shown.partition(".")[2])
            assert shown == (f"{values[key]:.{digits}f}" if key in values else "–"), (name, tokenizer, key)
