"""Bad input is one sentence and exit code 2."""

import pytest

from geovq.cli import main

SETTINGS = {
    "vea.beta=1": "vea is not a setting; did you mean vae.",
    "vae.bta=1": "vae.bta is not a setting; did you mean beta.",
    "vae.beta=strong": "vae.beta must be a valid number",
    "vae.beta=-1": "vae.beta must be greater than or equal to 0; got -1",
    "data.dataset=cifar": "data.dataset must be 'mnist'",
    "codebook.n_codes=300": "n_codes must be at most n_landmarks = 200, since medoids are landmarks; got 300",
    "geometry.n_neighbors=200": "n_neighbors must be below n_landmarks = 200; got 200",
    "tokenizers=[kmean]": "tokenizers.0 must be 'kmeans'",
    "priors=[isomap]": "priors.0 must be 'kmeans'",
    "vae.beta": "must have the form section.key=value",
    "vae.beta=[": "is not valid YAML",
    "device=cuda:99": "device 'cuda:99' was asked for, but",
    "data.n_train=7000": "data.n_train does not fit the data set",
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_that_are_not_allowed_are_one_sentence(refused, root, config_file, setting):
    assert SETTINGS[setting] in refused("run", config_file, "--set", setting)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"data: [", "broken.yaml is not valid YAML at line 1"),
        (b"- a\n", "broken.yaml must hold `section:` entries"),
        (b"\xff", "broken.yaml cannot be read"),
        (b"data:\n  dataset: mnist-smaple\n", "broken.yaml: data.dataset must be 'mnist'"),
    ],
)
def test_a_file_that_is_no_experiment_is_one_sentence(refused, root, tmp_path, content, message):
    (tmp_path / "broken.yaml").write_bytes(content)
    assert message in refused("run", tmp_path / "broken.yaml")


def test_places_that_hold_nothing_are_one_sentence(refused, root, tmp_path):
    assert "absent.yaml does not exist; the shipped experiments are in configs/" in refused(
        "run", tmp_path / "absent.yaml"
    )
    assert "config.yaml does not exist" in refused("run", tmp_path)
    for command in ("sample", "evaluate", "compare"):
        assert "holds no run (it has no config.yaml)" in refused(command, tmp_path)


def test_what_a_run_does_not_have_is_one_sentence(refused, run):
    assert "has no prior 'vqvae'; it has kmeans, riemannian." in refused("sample", run, "--tokenizer", "vqvae")
    assert "has no prior 'prototype'" in refused("sample", run, "--tokenizer", "prototype")
    (run / "manifest.json").unlink()
    assert "has no prior 'riemannian'; it has none yet, and `python -m geovq run" in refused("sample", run)
    assert "has no measurements yet" in refused("evaluate", run)
    assert "has no measurements yet" in refused("compare", run)


@pytest.mark.parametrize("option", [("--n-samples", 0), ("--temperature", 0), ("--top-p", 1.5)])
def test_sampling_numbers_out_of_range_are_one_sentence(refused, run, option):
    assert option[0].removeprefix("--").replace("-", "_") in refused("sample", run, *option)


def test_a_damaged_file_is_named(refused, run):
    (run / "priors" / "riemannian.safetensors").write_bytes(b"")
    for command in ("sample", "evaluate"):
        sentence = refused(command, run)
        assert "priors/riemannian.safetensors is damaged (its content is not what was written)" in sentence
        assert f"`python -m geovq run {run}` makes it again." in sentence


def test_output_that_cannot_be_written_is_one_sentence(refused, run, tmp_path, config_file):
    (tmp_path / "file").touch()  # root may write anywhere, but below a file nobody can
    assert "cannot be written" in refused("run", config_file, "--out", tmp_path / "file" / "x")
    assert "cannot be written" in refused("sample", run, "--n-samples", 1, "--out", tmp_path / "file" / "x.png")


def test_an_outputs_folder_that_cannot_be_written_is_one_sentence(refused, tmp_path, config_file, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path / "file"))
    assert "cannot be written" in refused("run", config_file)


def test_a_run_with_other_settings_is_refused_by_name(refused, run, config_file):
    assert "(vae.beta 0.1 → 0.5)" in refused("run", config_file, "--set", "vae.beta=0.5")


def test_a_shipped_run_is_read_only(refused, geovq, run, monkeypatch):
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", run.parent)
    assert "ships with geovq and is read-only" in refused("run", run)
    assert geovq("compare", run)[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run"],
        ["sample", "x", "--seed", "-1"],
        ["sample", "x", "--n-samples", "many"],
        ["run", "x", "--fast"],
    ],
)
def test_a_command_line_that_cannot_be_read_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
