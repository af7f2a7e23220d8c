"""The plan of an experiment: its order, its targets, and what each setting reaches. Nothing is trained."""

from dataclasses import replace

import pytest

from geovq.config import parse_config
from geovq.runs import pipeline
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.stages.plan import TARGETS, plan, with_needs
from tests.conftest import TINY

POST_HOC = ("kmeans", "euclidean", "riemannian")
PRIORS = {f"{kind}:{name}" for kind in ("prior", "samples", "evaluation") for name in ("kmeans", "riemannian")}
AFTER_GEOMETRY = {f"{kind}:{name}" for kind in ("tokenizer", "tokens", "evaluation") for name in POST_HOC} | PRIORS
AFTER_GEOMETRY |= {"refit:riemannian"}
AFTER_VQVAE = {"tokenizer:vqvae", "tokens:vqvae", "evaluation:vqvae"}
TOKENS = {f"tokens:{name}" for name in (*POST_HOC, "vqvae")}
EVALUATIONS = {f"evaluation:{name}" for name in ("vae", *POST_HOC, "vqvae")}
EVERYTHING = {"vae", "vqvae", "evaluation:vae", "geometry"} | AFTER_GEOMETRY | AFTER_VQVAE

REACH = {
    "seed=1": EVERYTHING,
    "data.n_train=500": EVERYTHING,
    "vae.beta=0.5": EVERYTHING - AFTER_VQVAE - {"vqvae"},
    "vae_training.epochs=3": EVERYTHING - AFTER_VQVAE - {"vqvae"},
    "vqvae.decay=0.9": {"vqvae"} | AFTER_VQVAE,
    "vqvae_training.epochs=3": {"vqvae"} | AFTER_VQVAE,
    "geometry.n_context=9": {"geometry"} | AFTER_GEOMETRY,
    "geometry.directions=pca": set(),  # as auto, where there are four channels
    "geometry.directions=pixel": {"geometry"} | AFTER_GEOMETRY,
    "geometry.max_active=9": set(),
    "geometry.max_active=3": {"geometry"} | AFTER_GEOMETRY,
    "codebook.n_codes=9": EVERYTHING - {"vae", "evaluation:vae", "geometry"},
    "codebook.n_candidates=9": AFTER_GEOMETRY | AFTER_VQVAE,
    "codebook.solver=alternate": AFTER_GEOMETRY | AFTER_VQVAE,
    "codebook.choose_by=silhouette": AFTER_GEOMETRY | AFTER_VQVAE,
    "codebook.assign=local": {stage for stage in AFTER_GEOMETRY if not stage.endswith(":kmeans")},
    "codebook.bit_price=9": set(),  # of a tokenizer that this run does not have
    "codebook.refine_rounds=1": {stage for stage in AFTER_GEOMETRY if stage.endswith(":kmeans")},
    "search.bit_price=9": set(),  # no tokenizer of this run is searched with
    "search.with_refit=true": set(),
    "joint=[riemannian]": {stage for stage in AFTER_GEOMETRY if stage.endswith(":riemannian")}
    - {"tokenizer:riemannian"},
    "refit.n_steps=5": {"refit:riemannian", "evaluation:riemannian"},
    "prior.n_layers=2": PRIORS,
    "prior_training.epochs=3": PRIORS,
    "sampling.temperature=0.5": {
        f"{kind}:{name}" for kind in ("samples", "evaluation") for name in ("kmeans", "riemannian")
    },
    "evaluation.n_images=99": TOKENS
    | EVALUATIONS
    | PRIORS
    | {"refit:riemannian"},  # the file that a prior or a refit learns from holds the test tokens too
    "device=auto": set(),
    "name=other": set(),
    "tokenizers=[riemannian, vqvae, euclidean, kmeans]": set(),
}


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes a run of stages that write their inputs' digest and nothing else, and says which were done."""

    def write_digest(stage):
        def work(workspace, input_digest):
            for file in stage.files:
                (workspace.path / file).parent.mkdir(parents=True, exist_ok=True)
                (workspace.path / file).write_text(input_digest)

        return replace(stage, work=work)

    monkeypatch.setattr(pipeline, "plan", lambda config: tuple(map(write_digest, plan(config))))

    def make(config, target="run"):
        wanted = TARGETS[target]
        progress = RunProgress(tmp_path / "run", terminal=False)
        return pipeline.make_run(config, tmp_path / "run", progress, lambda stage: wanted(stage.name))

    return make


def changed(config, setting):
    key, _, value = setting.partition("=")
    section, _, name = key.rpartition(".")
    values = config.model_dump()
    (values[section] if section else values)[name] = value if not value.startswith("[") else value[1:-1].split(", ")
    return parse_config(values)


@pytest.mark.parametrize("setting", REACH)
def test_a_changed_setting_redoes_exactly_the_stages_that_depend_on_it(setting, make, tiny_config):
    assert set(make(tiny_config)) == EVERYTHING
    assert set(make(changed(tiny_config, setting))) == REACH[setting]


def test_nothing_is_done_twice(make, tiny_config):
    assert make(tiny_config) == [stage.name for stage in plan(tiny_config)]
    assert make(tiny_config) == []


def test_a_result_that_came_out_the_same_spares_what_depends_on_it(make, tiny_config, tmp_path):
    make(tiny_config)
    (tmp_path / "run" / "vae.safetensors").unlink()
    assert make(tiny_config) == ["vae"]


def test_each_stage_follows_those_it_needs_and_writes_files_of_its_own(tiny_config):
    done, files = set(), []
    for stage in plan(tiny_config):
        assert done.issuperset(stage.needs)
        done.add(stage.name)
        files += stage.files
    assert len(set(files)) == len(files)


TARGETED = {
    "train-vae": {"vae"},
    "train-vqvae": {"vqvae"},
    "discretize": {"vae", "vqvae", "geometry"} | TOKENS | {f"tokenizer:{name}" for name in (*POST_HOC, "vqvae")},
    "refit": {"vae", "geometry", "tokenizer:riemannian", "tokens:riemannian", "refit:riemannian"},
    "train-prior": {
        "vae",
        "geometry",
        *(f"{kind}:{name}" for kind in ("tokenizer", "tokens", "prior") for name in ("kmeans", "riemannian")),
    },
    "run": EVERYTHING,
}


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_brings_what_it_needs_and_nothing_else(target, tiny_config):
    stages = with_needs(plan(tiny_config), lambda stage: TARGETS[target](stage.name))
    assert {stage.name for stage in stages} == TARGETED[target]


def test_targets_one_after_the_other_make_the_whole_run(make, tiny_config):
    done = [stage for target in TARGETED for stage in make(tiny_config, target)]
    assert sorted(done) == sorted(EVERYTHING)


def test_a_vqvae_alone_needs_no_geometry():
    config = parse_config({**TINY, "tokenizers": ["vqvae"], "priors": [], "refits": []})
    assert "geometry" not in {stage.name for stage in plan(config)}
