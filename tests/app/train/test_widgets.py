import pytest

from geovq.app.train.widgets import Bounds, bounds, leaf_settings, setting_field
from geovq.config import ExperimentConfig


def test_a_dotted_setting_is_found_with_its_description() -> None:
    assert "KL term" in str(setting_field(ExperimentConfig, "vae.beta").description)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("vae.beta", Bounds(0, 100)),
        ("vae_training.epochs", Bounds(1, 10_000)),
        ("data.n_train", Bounds(100, 60_000)),
        ("data.validation_fraction", Bounds(0, 1)),
        ("device", Bounds(None, None)),
    ],
)  # fmt: skip
def test_limits_come_from_the_schema(path: str, expected: Bounds) -> None:
    assert bounds(setting_field(ExperimentConfig, path)) == expected


def test_a_setting_that_does_not_exist_is_a_bug_and_not_an_empty_widget() -> None:
    with pytest.raises(KeyError):
        setting_field(ExperimentConfig, "vae.gamma")


def test_settings_are_listed_down_to_the_last_one() -> None:
    leaves = leaf_settings(ExperimentConfig)
    assert leaves[:4] == ["name", "seed", "device", "data.dataset"]
    assert {"refits", "refit.n_steps", "vqvae.decay", "vqvae_training.patience"} <= set(leaves)
    assert all(setting_field(ExperimentConfig, leaf).description for leaf in leaves)
