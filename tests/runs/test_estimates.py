import json

import pytest

from geovq.config import parse_config
from geovq.runs import open_run
from geovq.runs.estimates import TimedStage, Work, estimate, stage_work, timed_stages
from geovq.runs.stages.plan import plan
from tests.conftest import TINY


def seconds(config, timed, device="cpu", **options):
    return {found.stage: found.seconds for found in estimate(config, device, timed, **options)}


@pytest.mark.parametrize(
    ("stage", "section", "key", "factor"),
    [
        ("vae", "vae_training", "epochs", 3),
        ("vae", "data", "n_train", 3),
        ("vqvae", "vqvae_training", "epochs", 3),
        ("geometry", "geometry", "n_images", 3),
        ("tokenizer:riemannian", "geometry", "n_landmarks", 9),  # all distances between them
        ("refit:riemannian", "refit", "n_steps", 3),
        ("prior:kmeans", "prior_training", "epochs", 3),
        ("samples:kmeans", "sampling", "n_samples", 3),
        ("evaluation:kmeans", "evaluation", "n_images", 3),
    ],
)
def test_time_grows_with_the_work(tiny_config, tiny_run, stage, section, key, factor):
    timed = timed_stages(open_run(tiny_run))
    larger = parse_config({**TINY, section: {**TINY[section], key: 3 * TINY[section][key]}})
    before, after = seconds(tiny_config, timed)[stage], seconds(larger, timed)[stage]
    assert after == pytest.approx(factor * before)


def test_the_same_experiment_takes_as_long_again(tiny_config, tiny_run):
    run = open_run(tiny_run)
    found = seconds(tiny_config, timed_stages(run))
    assert found.keys() == {stage.name for stage in plan(tiny_config)}
    for stage in ("geometry", "tokens:kmeans"):
        assert found[stage] == pytest.approx(run.manifest.stages[stage].elapsed_s)


def test_another_device_or_network_tells_nothing(tiny_config, tiny_run):
    timed = timed_stages(open_run(tiny_run))
    assert set(seconds(tiny_config, timed, device="NVIDIA H100").values()) == {None}
    wider = parse_config({**TINY, "vae": {**TINY["vae"], "width": 16}})
    found = seconds(wider, timed)
    assert found["vae"] is None
    assert found["vqvae"] is not None


def test_of_two_the_one_of_nearest_size_counts_and_is_named(tiny_config):
    work = stage_work(tiny_config, "geometry")
    timed = [
        TimedStage("mnist/large", Work(work.like, 100 * work.amount), "cpu", 1_000.0),
        TimedStage("mnist/near", Work(work.like, 2 * work.amount), "cpu", 8.0),
    ]
    (found,) = (part for part in estimate(tiny_config, "cpu", timed) if part.stage == "geometry")
    assert (found.run, found.seconds) == ("mnist/near", 4.0)


def test_what_is_finished_takes_no_time(tiny_config, tiny_run):
    found = seconds(tiny_config, timed_stages(open_run(tiny_run)), finished={"vae", "geometry"})
    assert "vae" not in found
    assert "geometry" not in found


def test_a_training_that_stopped_early_counts_for_what_it_did(run, tiny_config):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    early = [row for row in rows if row["stage"] != "vae" or row["epoch"] == 1]  # the first of two epochs
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in early))
    (past,) = (timed for timed in timed_stages(open_run(run)) if timed.work.like[0] == "vae")
    assert past.work.amount == stage_work(tiny_config, "vae").amount / 2
    assert past.elapsed_s == [row["elapsed_s"] for row in early if row["stage"] == "vae"][-1]
