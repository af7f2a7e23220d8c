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


def tokenizer_work(name, n_landmarks, **codebook):
    values = {"geometry": {"n_landmarks": n_landmarks, "n_images": 2_000}, "codebook": codebook}
    return stage_work(parse_config({**values, "tokenizers": [name], "priors": []}), f"tokenizer:{name}")


def test_auto_takes_as_long_as_the_search_that_it_stands_for():
    """Above 20,000 landmarks that is graph Lloyd, which forms no matrix of all distances."""
    for n_landmarks, solver in ((20_000, "fasterpam"), (20_001, "graph-lloyd"), (80_000, "graph-lloyd")):
        expected = tokenizer_work("riemannian", n_landmarks, solver=solver)
        assert tokenizer_work("riemannian", n_landmarks, solver="auto") == expected
    small, large = (tokenizer_work("euclidean", n).amount for n in (40_000, 80_000))
    assert large == 2 * small


def test_the_prototype_forms_all_distances_whatever_the_solver():
    small, large = (tokenizer_work("prototype", n, solver="graph-lloyd").amount for n in (1_000, 3_000))
    assert large == 9 * small


def test_the_number_of_landmarks_does_not_change_how_kmeans_is_compared():
    assert tokenizer_work("kmeans", 5_000) == tokenizer_work("kmeans", 50_000, solver="graph-lloyd")


def test_rows_of_an_earlier_version_without_a_stage_are_no_obstacle(run):
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"tokenizer": "kmeans", "n_codes": 4, "silhouette": 0.5, "taken": True}) + "\n")
    assert {timed.work.like[0] for timed in timed_stages(open_run(run))} >= {"vae", "tokenizer"}
