import shlex
from pathlib import Path

import pytest

from geovq.app.train.experiment import command_line, edited, free_name, presets
from geovq.config import ExperimentConfig, load_config, setting_changes
from geovq.errors import ConfigError

PROJECT = Path(__file__).parents[3]


def test_what_is_edited_is_what_changes_and_nothing_else() -> None:
    preset = ExperimentConfig()
    config = edited(preset, {"vae.beta": 0.5, "tokenizers": ("kmeans", "riemannian"), "seed": 3})
    assert setting_changes(preset, config) == [
        ("seed", 0, 3),
        ("vae.beta", 0.1, 0.5),
        ("tokenizers", ["kmeans", "euclidean", "riemannian"], ["kmeans", "riemannian"]),
    ]


def test_settings_that_do_not_fit_together_are_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError, match="n_codes must be at most n_landmarks"):
        edited(ExperimentConfig(), {"codebook.n_codes": 6_000})


@pytest.mark.parametrize("file", presets(PROJECT / "configs"), ids=lambda file: file.stem)
def test_the_command_line_makes_the_experiment_of_the_form(file: Path) -> None:
    preset = load_config(file)
    config = edited(preset, {"name": "other", "vae.beta": 0.25, "priors": ("riemannian",), "data.n_train": 500})
    words = shlex.split(command_line(file, Path("outputs/x"), preset, config))
    overrides = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    assert words[:5] == ["python", "-m", "geovq", "run", str(file)]
    assert load_config(file, overrides) == config


def test_presets_begin_with_the_quick_one_and_leave_out_what_is_shared() -> None:
    names = [file.stem for file in presets(PROJECT / "configs")]
    assert names[0] == "demo"
    assert not {"global", "study"} & set(names)


def test_a_name_that_is_taken_is_counted_on(tmp_path: Path) -> None:
    assert free_name(tmp_path, "mnist", "demo") == "demo"
    for name in ("demo", "demo-2"):
        (tmp_path / "mnist" / name).mkdir(parents=True)
    assert free_name(tmp_path, "mnist", "demo") == "demo-3"


def test_a_part_of_a_run_that_begins_from_another_is_a_command_too() -> None:
    preset = ExperimentConfig()
    words = command_line(
        Path("a.yaml"), Path("out"), preset, preset, target="discretize", reuse=Path("outputs/b")
    ).split()
    assert words == ["python", "-m", "geovq", "discretize", "a.yaml", "--out", "out", "--reuse", "outputs/b"]
