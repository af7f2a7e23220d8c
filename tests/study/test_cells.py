from pathlib import Path

import pytest

from geovq.errors import ConfigError
from tests.study.small_study import cells_of, write_study


def test_every_point_is_one_cell_and_what_matters_first_comes_first(study_file: Path) -> None:
    names = list(cells_of(study_file))
    assert names[0] == "mnist-sample/s0/vae/all"
    assert names[1:5] == [f"mnist-sample/s0/{one}/own" for one in ("kmeans/k4", "kmeans/k8", "weighted/k8", "vqvae/k8")]
    assert names[5] == "mnist-sample/s0/weighted/k8/joint-0.01"
    assert names[6:10] == [
        f"mnist-sample/s0/{name}/k8/{search}/refit"
        for name in ("weighted", "vqvae")
        for search in ("own", "joint-0.01")
    ]
    assert names[10:] == [f"mnist-sample/s0/weighted/k8/own/{last}" for last in ("prior", "one context", "free bits")]


def test_a_point_that_is_asked_for_twice_is_measured_once(tmp_path: Path) -> None:
    point = {"tokenizer": "weighted", "n_codes": 8}
    twice = {"name": "nothing changes", **point}
    names = cells_of(write_study(tmp_path, ablation=[twice], full=[point, point]))
    assert "mnist-sample/s0/weighted/k8/own/nothing changes" not in names
    assert sum(name.endswith("weighted/k8/own/all") for name in names) == 1


def test_the_key_follows_what_a_cell_depends_on_and_nothing_else(study_file: Path, tmp_path: Path) -> None:
    before = cells_of(study_file)
    more_images = cells_of(write_study(tmp_path, joint={"bit_prices": [0.01], "n_images": 30, "n_price_images": 20}))
    own, joint = "mnist-sample/s0/weighted/k8/own", "mnist-sample/s0/weighted/k8/joint-0.01"
    assert more_images[own].key == before[own].key
    assert more_images[joint].key != before[joint].key

    experiment = tmp_path / "tiny.yaml"
    experiment.write_text(experiment.read_text().replace("n_context: 8", "n_context: 9"))
    other_geometry = cells_of(tmp_path / "study.yaml")
    assert other_geometry[own].key != before[own].key
    vqvae = "mnist-sample/s0/vqvae/k8/own"
    assert other_geometry[vqvae].key == before[vqvae].key  # it has no geometry


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokenizer": {}}, "did you mean tokenizers"),
        ({"tokenizers": {"kmeens": [8]}}, "kmeens"),
        ({"tokenizers": {"kmeans": [1]}}, "greater than or equal to 2"),
        ({"full": [{"tokenizer": "ecvq", "n_codes": 8}]}, "full must be among the tokenizers; ecvq is not in"),
        ({"full": [{"tokenizer": "kmeans", "n_codes": 8, "bit_price": 1}]}, "bit_price must be 0 where search is own"),
        ({"joint": {"bit_prices": [-1]}}, "greater than or equal to 0"),
        ({"seeds": [1, 1]}, "seeds must not repeat one; got 1, 1"),
        ({"tokenizers": {"kmeans": [300]}, "joint": {}, "refits": {}, "priors": {}}, "n_codes must be at most"),
        ({"experiments": ["tiny.yaml", "./tiny.yaml"]}, "experiments must be of different data sets"),
        ({"experiments": ["none.yaml"]}, "does not exist"),
    ],
)
def test_settings_that_do_not_fit_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        cells_of(write_study(tmp_path, **changes))


def test_the_preset_is_a_study() -> None:
    assert len(cells_of(Path(__file__).parents[2] / "configs" / "study.yaml")) > 100
