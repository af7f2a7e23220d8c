import shutil
from pathlib import Path

import pytest

from geovq.config import load_config
from geovq.errors import ConfigError
from geovq.runs import open_run
from geovq.runs.worker import work_on_run
from geovq.study.networks import Network, networks_of
from tests.study.small_study import cells_of


def networks(study_file: Path, out: Path) -> dict[str, Network]:
    cells = cells_of(study_file)
    by_key = networks_of(list(cells.values()), out)
    return {name.removeprefix("mnist-sample/s0/"): by_key[cell.key] for name, cell in cells.items()}


def test_cells_share_runs_and_an_ablation_has_its_own_only_where_it_changes_one(
    study_file: Path, tmp_path: Path
) -> None:
    found = networks(study_file, tmp_path)
    assert found["vae/all"].name == "mnist-sample/vae-s0"
    assert found["kmeans/k4/own"].path == found["weighted/k8/joint-0.01"].path == found["vae/all"].path
    assert found["vqvae/k8/own"].name == "mnist-sample/vqvae-k8-s0"
    assert found["weighted/k8/own/free bits"].path == found["vae/all"].path
    assert found["weighted/k8/own/one context"].name.startswith("mnist-sample/vae-s0-")


def test_a_run_with_another_context_begins_with_the_same_autoencoder(study_file: Path, finished_study: Path) -> None:
    found = networks(study_file, finished_study)
    ours, other = (open_run(found[name].path).manifest for name in ("vae/all", "weighted/k8/own/one context"))
    assert ours.stages["vae"] == other.stages["vae"]  # the time of its end too: it was not trained again
    assert ours.stages["geometry"].files != other.stages["geometry"].files


def test_an_autoencoder_that_was_trained_beforehand_is_taken_as_it_is(study_file: Path, tmp_path: Path) -> None:
    network = networks(study_file, tmp_path)["vae/all"]
    config = load_config(study_file.parent / "tiny.yaml", ["name=vae-s0"])  # more tokenizers than the study's run has
    work_on_run(config, network.path, terminal=False, target="train-vae", queues=False)
    before = open_run(network.path).manifest.stages["vae"]
    assert not network.is_made()  # its geometry is not
    network.make()
    assert network.is_made()
    assert open_run(network.path).manifest.stages["vae"] == before


def test_a_run_with_other_settings_is_named_and_left_alone(
    study_file: Path, finished_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mnist-sample" / "vae-s0"
    shutil.copytree(finished_study / "mnist-sample" / "vae-s0", folder)
    file = folder / "config.yaml"
    file.write_text(file.read_text().replace("beta: 0.1", "beta: 0.2"))
    network = Network(
        folder,
        networks(study_file, finished_study)["vae/all"].config.model_copy(
            update={"geometry": load_config(file).geometry.model_copy(update={"n_context": 5})}
        ),
        ("vae", "geometry"),
    )
    with pytest.raises(ConfigError, match="whose vae and geometry have other settings than the study's"):
        network.make()
