"""Making a run for real, on a tiny experiment: what was interrupted, killed or damaged ends as what was not."""

import hashlib
import math
import multiprocessing
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
import torch

from geovq import artifacts
from geovq.config import dump_config, parse_config
from geovq.errors import ArtifactError, Cancelled, ConfigError
from geovq.lattice import cells_of
from geovq.models import load_model
from geovq.runs import open_run, pipeline
from geovq.runs.manifest import read_manifest
from geovq.runs.pipeline import make_run, prepare_run
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.process.status import request_cancel
from geovq.runs.stages.plan import plan
from geovq.runs.stages.snapshots import SNAPSHOT_FOLDER
from geovq.runs.worker import work_on_run
from geovq.tokenization import load_tokenizer
from geovq.training import resolve_precision
from tests.conftest import TINY

# Real processes that pay for their imports once: the server imports, each child is a fork of it.
processes = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
NOT_ARTIFACTS = {"status.json", "metrics.jsonl", "manifest.json", "job.log"}  # these hold times


def contents(run):
    """SHA-256 of every file that the experiment determines."""
    files = [path for path in run.rglob("*") if path.is_file() and path.name not in NOT_ARTIFACTS]
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def curves(run):
    """What was measured while training, without the times."""
    rows = open_run(run).metrics()
    return sorted((row["stage"], row["step"], row["split"], row["loss"]) for row in rows)


def finish(config, run, target=lambda stage: True):
    return make_run(config, run, RunProgress(run, terminal=False), target)


def test_everything_that_is_listed_exists_and_nothing_else(tiny_run, tiny_config):
    files = {file for stage in plan(tiny_config) for file in stage.files}
    made = {file for file in contents(tiny_run) if not file.startswith(f"{SNAPSHOT_FOLDER}/")}
    assert made == files | {"config.yaml"}


def test_the_manifest_says_in_which_precision_each_stage_was_trained(tiny_run):
    trained = resolve_precision("auto", torch.device("cpu"))
    stages = read_manifest(tiny_run).stages
    for name, record in stages.items():
        is_training = name in {"vae", "vqvae"} or name.startswith(("refit:", "prior:"))
        assert record.precision == (trained if is_training else "32-true"), name
    assert {"vae", "vqvae", "refit:riemannian", "prior:riemannian"} <= stages.keys()


def test_a_second_run_does_nothing(run, tiny_config):
    before = contents(run)
    assert finish(tiny_config, run) == []
    assert contents(run) == before


@pytest.mark.slow
def test_two_fresh_runs_have_the_same_bytes(tiny_run, tiny_config, root):
    prepare_run(tiny_config, root / "again")
    finish(tiny_config, root / "again")
    assert contents(root / "again") == contents(tiny_run)
    assert curves(root / "again") == curves(tiny_run)


def test_another_seed_has_other_bytes(tiny_run, root):
    other = parse_config({**TINY, "seed": 1, "priors": []})
    prepare_run(other, root / "other")
    finish(other, root / "other", lambda stage: stage.name == "tokens:kmeans")
    for file in ("vae.safetensors", "tokenizers/kmeans.safetensors", "tokens/kmeans.npz"):
        assert contents(root / "other")[file] != contents(tiny_run)[file]


def test_a_number_of_codes_that_was_chosen_reaches_the_prior_and_its_samples(run):
    chosen = {**TINY["codebook"], "choose_by": "rate", "target_rate_bits": 2.0}
    config = parse_config({**TINY, "codebook": chosen})
    finish(config, run, lambda stage: stage.name == "samples:kmeans")
    n_codes = load_tokenizer(run / "tokenizers" / "kmeans.safetensors").n_codes
    assert 4 <= n_codes < TINY["codebook"]["n_codes"]
    assert load_model(run / "priors" / "kmeans.safetensors").n_codes == n_codes
    assert open_run(run).samples("kmeans").tokens.max() < n_codes
    assert {row["n_codes"] for row in open_run(run).metrics() if row.get("tokenizer") == "kmeans"} >= {2, 3, n_codes}


@pytest.mark.slow
def test_the_prototype_is_made_on_the_geometry_that_is_there(run):
    config = parse_config({**TINY, "tokenizers": [*TINY["tokenizers"], "prototype"]})
    made = finish(config, run)
    assert made == ["tokenizer:prototype", "tokens:prototype", "evaluation:prototype"]
    tokenizer = load_tokenizer(run / "tokenizers" / "prototype.safetensors")
    assert (tokenizer.method, tokenizer.n_codes) == ("prototype", TINY["codebook"]["n_codes"])
    first_cells = cells_of(open_run(run).geometry().sample.lattices)[: len(tokenizer.landmarks)]
    torch.testing.assert_close(tokenizer.subspace.lift(tokenizer.landmarks), first_cells)


@pytest.mark.slow
def test_every_file_that_is_missing_or_damaged_is_named_and_made_again(run, tiny_config, capsys):
    before = contents(run)
    stages = plan(tiny_config)
    for index, stage in enumerate(stages):
        for file in stage.files:
            if index % 2:
                (run / file).unlink()
            else:
                (run / file).write_bytes((run / file).read_bytes()[:-1])
    assert finish(tiny_config, run) == [stage.name for stage in stages]
    assert contents(run) == before
    printed = capsys.readouterr().out
    for index, stage in enumerate(stages):
        for file in stage.files:
            what = "missing" if index % 2 else "damaged"
            assert f"{run / file} is {what}; stage {stage.name} is done again." in printed


def test_a_stage_that_fails_vouches_for_nothing(run, tiny_config, monkeypatch):
    (run / "samples" / "kmeans.npz").write_bytes(b"")

    def fail(*arguments, **options):
        raise RuntimeError("no luck")

    monkeypatch.setattr("geovq.runs.stages.tokenizers.sample_tokens", fail)
    with pytest.raises(RuntimeError, match="no luck"):
        finish(tiny_config, run)
    manifest = open_run(run).manifest
    assert set(manifest.stages) == {stage.name for stage in plan(tiny_config)} - {"samples:kmeans"}


@pytest.mark.parametrize("stage", ["vae", "vqvae", "refit:riemannian", "prior:riemannian"])
def test_training_that_was_cancelled_goes_on_to_the_same_bytes(stage, tiny_run, run, tiny_config, monkeypatch):
    for record in plan(tiny_config):
        if record.name == stage:
            (run / record.files[0]).unlink()
    (run / "metrics.jsonl").unlink()
    record = RunProgress.record

    def cancel_midway(progress, row):
        record(progress, row)
        if (row["stage"], row["step"]) == (stage, 9):
            request_cancel(run)

    with monkeypatch.context() as patch:
        patch.setattr(RunProgress, "record", cancel_midway)
        with pytest.raises(Cancelled, match=f"{stage} was cancelled after 9 steps, which are saved"):
            work_on_run(tiny_config, run, terminal=False)
    assert stage not in open_run(run).manifest.stages
    assert work_on_run(tiny_config, run, terminal=False) == [stage]
    assert contents(run) == contents(tiny_run)
    assert curves(run) == [row for row in curves(tiny_run) if row[0] == stage]


def work_until_killed(config, run, stage, moment):
    """In a process of its own: work on a run, and die in a stage.

    `moment`: "at its begin", "midway" (a number of steps), "while writing" (the new file is beside the old), or "before
    the record" (the file is there, the manifest does not know it).
    """
    torch.set_num_threads(1)
    die = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    at_stage, n_steps = False, 0
    begin_stage, advance, fsync = RunProgress.begin_stage, RunProgress.advance, os.fsync
    record_stage = pipeline.record_stage

    def begin_or_die(progress, name, index, n_stages):
        nonlocal at_stage
        begin_stage(progress, name, index, n_stages)
        at_stage = name == stage
        if at_stage and moment == "at its begin":
            die()

    def advance_or_die(progress, n=1):
        nonlocal n_steps
        advance(progress, n)
        n_steps += at_stage
        if at_stage and moment == "midway" and n_steps == 7:
            die()

    def sync_or_die(file):
        writes_artifact = Path(os.readlink(f"/proc/self/fd/{file}")).name.startswith(f".{expected_name}")
        if at_stage and moment == "while writing" and writes_artifact:
            die()
        fsync(file)

    def record_or_die(*arguments):
        if at_stage and moment == "before the record":
            die()
        return record_stage(*arguments)

    expected_name = next(Path(s.files[0]).name for s in plan(config) if s.name == stage)
    RunProgress.begin_stage, RunProgress.advance, os.fsync = begin_or_die, advance_or_die, sync_or_die
    pipeline.record_stage = record_or_die
    prepare_run(config, run)
    finish(config, run)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="SIGKILL, /proc")
def test_a_run_that_was_killed_in_every_stage_ends_with_the_same_bytes(tiny_run, tiny_config, root):
    run = root / "mnist-sample" / "killed"
    processes.set_forkserver_preload(["geovq.runs.worker", "sklearn.cluster"])
    moments = ("at its begin", "before the record", "while writing")
    deaths = [(stage.name, moments[index % 3]) for index, stage in enumerate(plan(tiny_config))]
    deaths += [(name, "midway") for name in ("vae", "vqvae", "refit:riemannian", "prior:kmeans", "samples:riemannian")]
    order = [stage.name for stage in plan(tiny_config)]
    for stage, moment in sorted(deaths, key=lambda death: (order.index(death[0]), death[1] != "midway")):
        process = processes.Process(target=work_until_killed, args=(tiny_config, run, stage, moment))
        process.start()
        process.join(timeout=60)
        assert process.exitcode == -signal.SIGKILL, f"not killed {moment} of {stage}"
        assert stage not in open_run(run).manifest.stages
    finish(tiny_config, run)
    assert contents(run) == contents(tiny_run)
    assert curves(run) == curves(tiny_run)


def test_what_a_killed_process_had_begun_to_write_is_removed(run, tiny_config):
    litter = run / "tokens" / ".kmeans.npz.0123abcd.part"
    litter.touch()
    finish(tiny_config, run)
    assert not litter.exists()
    assert artifacts.file_digest(run / "tokens" / "kmeans.npz")


def test_the_configuration_is_frozen_whole(root, tiny_config):
    prepare_run(tiny_config, root / "run")
    assert (root / "run" / "config.yaml").read_text() == dump_config(tiny_config)
    prepare_run(tiny_config, root / "run")


def test_other_settings_are_refused_by_name(run, tiny_config):
    before = contents(run)
    with pytest.raises(ConfigError, match=r"with other settings \(seed 0 → 1\); choose another name with --set name=…"):
        prepare_run(parse_config({**TINY, "seed": 1}), run)
    named = r"\(device 'cpu' → 'auto', data\.n_train 400 → None, vae\.latent_channels 4 → 16, vae\.width 8 → 32 and \d+"
    with pytest.raises(ConfigError, match=named):
        prepare_run(parse_config({"name": "tiny", "data": {"dataset": "mnist-sample"}}), run)
    assert contents(run) == before


def test_a_folder_of_somebody_else_is_left_alone(tmp_path, tiny_config):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ArtifactError, match="is not empty and holds no run; choose an empty or new folder with --out"):
        prepare_run(tiny_config, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_a_launch_has_prepared_is_taken(tmp_path, tiny_config):
    for name in ("status.json", "job.log", "cancel", ".DS_Store"):
        (tmp_path / name).touch()
    prepare_run(tiny_config, tmp_path)
    assert (tmp_path / "config.yaml").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path, tiny_config):
    (tmp_path / "file").touch()  # root may write anywhere, but below a file nobody can
    for run in (tmp_path / "file", tmp_path / "file" / "x"):
        with pytest.raises(ArtifactError, match=r"config\.yaml cannot be written .* choose another folder"):
            prepare_run(tiny_config, run)


def test_shipped_runs_are_read_only(tmp_path, tiny_config, tiny_run, monkeypatch):
    shipped = tmp_path / "checkpoints"
    shutil.copytree(tiny_run, shipped / "demo")
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", shipped)
    for run in (shipped / "demo", shipped / "new"):
        with pytest.raises(ArtifactError, match="ships with geovq and is read-only; choose another folder with --out"):
            prepare_run(tiny_config, run)
    assert contents(shipped / "demo") == contents(tiny_run)


@pytest.mark.slow
def test_a_class_conditional_prior_learns_the_frequencies_of_its_training_images(tmp_path):
    conditional = {**TINY["prior"], "class_conditional": True}
    config = parse_config({**TINY, "tokenizers": ["kmeans"], "refits": [], "priors": ["kmeans"], "prior": conditional})
    prepare_run(config, tmp_path / "run")
    finish(config, tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert sum(run.priors["kmeans"].class_counts) == 380  # of 400, 5 % are set aside
    assert run.measurements["kmeans"]["prior_class_nats_per_image"] == pytest.approx(math.log(10), abs=0.02)
