import json

import pytest

from geovq.config import parse_config
from geovq.errors import ArtifactError, ConfigError
from geovq.runs import open_run
from geovq.runs.carry_over import begin_from, reusable
from geovq.runs.stages.plan import plan
from geovq.runs.stages.snapshots import snapshot_epochs
from geovq.runs.worker import work_on_run
from tests.conftest import TINY


def with_codes(n_codes):
    return parse_config({**TINY, "name": "other", "codebook": {**TINY["codebook"], "n_codes": n_codes}})


def test_other_codebooks_keep_the_vae_and_its_geometry_and_make_what_follows(run):
    config = with_codes(5)
    other = run.with_name("other")
    kept = begin_from(open_run(run), config, other)
    assert kept == ("vae", "evaluation:vae", "geometry")
    done = work_on_run(config, other, terminal=False)
    assert done == [stage.name for stage in plan(config) if stage.name not in kept]
    assert (other / "vae.safetensors").read_bytes() == (run / "vae.safetensors").read_bytes()
    made = open_run(other)
    assert made.tokenizers["riemannian"].n_codes == 5
    made.verify()


def test_the_same_settings_leave_nothing_to_do(run):
    config = parse_config({**TINY, "name": "twin"})
    begin_from(open_run(run), config, run.with_name("twin"))
    assert work_on_run(config, run.with_name("twin"), terminal=False) == []


def test_another_prior_keeps_the_tokens(run):
    config = parse_config({**TINY, "prior": {**TINY["prior"], "width": 32}})
    kept = reusable(open_run(run), config).stages
    assert "tokens:riemannian" in kept
    assert "prior:riemannian" not in kept


def test_curves_and_pictures_come_along_for_what_is_kept_only(run):
    other = run.with_name("other")
    begin_from(open_run(run), with_codes(5), other)
    assert {row["stage"] for row in open_run(other).metrics()} == {"vae"}
    assert snapshot_epochs(other, "vae") == (1, 2)
    assert snapshot_epochs(other, "vqvae") == ()  # its codebook has another size: it is trained anew


def test_tokens_of_a_shipped_run_are_made_again_since_it_has_those_of_held_out_images_only(run):
    import numpy as np

    file = run / "tokens" / "kmeans.npz"
    with np.load(file) as arrays:
        np.savez(file, test=arrays["test"])
    kept = reusable(open_run(run), parse_config(TINY)).stages
    assert "tokens:kmeans" not in kept
    assert "prior:kmeans" not in kept
    assert "tokens:riemannian" in kept


@pytest.mark.parametrize(("section", "key", "value"), [("vae", "beta", 0.5), ("data", "n_train", 300)])
def test_a_vae_of_other_settings_is_never_taken(run, section, key, value):
    config = parse_config({**TINY, "name": "other", section: {**TINY[section], key: value}})
    with pytest.raises(ConfigError, match=rf"{section}\.{key} must be as in mnist-sample/tiny"):
        begin_from(open_run(run), config, run.with_name("other"))
    assert not run.with_name("other").exists()


def test_an_unfinished_vae_is_refused(run):
    values = json.loads((run / "manifest.json").read_text())
    del values["stages"]["vae"]
    (run / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(ConfigError, match="no finished VAE; resume that run first"):
        begin_from(open_run(run), with_codes(5), run.with_name("other"))


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(b"nothing"), lambda file: file.unlink()])
def test_a_damaged_vae_is_named_and_nothing_is_left_behind(run, damage):
    damage(run / "vae.safetensors")
    with pytest.raises(ArtifactError, match=r"vae\.safetensors is (damaged|missing); .*geovq run"):
        begin_from(open_run(run), with_codes(5), run.with_name("other"))
    assert [path.name for path in run.parent.iterdir()] == ["tiny"]
