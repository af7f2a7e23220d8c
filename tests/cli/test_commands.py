"""What each command makes and prints."""

import json
import shutil

import pytest


def test_run_finds_its_run_by_its_settings_and_prints_the_measurements(geovq, run, config_file):
    code, output, errors = geovq("run", config_file)
    assert (code, errors) == (0, "")
    assert "Measured on 100 held-out images" in output
    assert output.endswith(f"{run}: everything was up to date.\n")


def test_run_takes_the_folder_of_a_run_and_says_what_it_made(geovq, run):
    (run / "evaluation" / "vae.json").unlink()
    code, output, _ = geovq("run", run)
    assert code == 0
    assert output.endswith(f"{run}: made evaluation:vae.\n")


@pytest.mark.parametrize(
    ("command", "file", "made"),
    [
        ("train-vae", "vae.safetensors", "vae"),
        ("train-vqvae", "vqvae.safetensors", "vqvae"),
        ("discretize", "tokenizers/euclidean.safetensors", "tokenizer:euclidean"),
        ("train-prior", "priors/kmeans.safetensors", "prior:kmeans"),
    ],
)
def test_each_part_can_be_made_alone(geovq, run, command, file, made):
    before = (run / file).read_bytes()
    (run / file).unlink()
    (run / "evaluation" / "vae.json").unlink()
    code, output, _ = geovq(command, run)
    assert (code, (run / file).read_bytes()) == (0, before)
    assert output.endswith(f"{run}: made {made}.\n")
    assert not (run / "evaluation" / "vae.json").exists()


def test_a_new_run_begins_with_what_another_has_finished(geovq, run, config_file, root):
    other = ("--set", "name=other", "--set", "codebook.n_restarts=1")
    code, output, _ = geovq("discretize", config_file, "--reuse", run, *other)
    new = root / "mnist-sample" / "other"
    assert code == 0
    assert "made tokenizer:" in output
    assert (new / "vae.safetensors").read_bytes() == (run / "vae.safetensors").read_bytes()


def test_a_vae_that_would_have_to_be_trained_anew_is_not_reused(refused, run, config_file, root):
    told = refused("run", config_file, "--reuse", run, "--set", "name=other", "--set", "vae.beta=0.5")
    assert "cannot be kept: vae.beta must be as in mnist-sample/tiny" in told
    assert not (root / "mnist-sample" / "other").exists()


@pytest.mark.smoke
def test_runs_lists_them(geovq, run):
    code, output, _ = geovq("runs")
    assert code == 0
    assert [line.split()[:2] for line in output.splitlines()[2:]] == [["mnist-sample/tiny", "done"]]


def test_sample_writes_the_same_picture_for_the_same_seed(geovq, run, tmp_path):
    pictures = []
    for seed in (0, 0, 1):
        code, output, _ = geovq("sample", run, "--n-samples", 4, "--seed", seed, "--out", tmp_path / "a" / "four.png")
        assert (code, output) == (0, f"4 images are in {tmp_path}/a/four.png.\n")
        pictures.append((tmp_path / "a" / "four.png").read_bytes())
    assert pictures[0].startswith(b"\x89PNG")
    assert pictures[0] == pictures[1] != pictures[2]


def test_sample_takes_any_prior(geovq, run, tmp_path):
    assert geovq("sample", run, "--tokenizer", "kmeans", "--n-samples", 1, "--out", tmp_path / "one.png")[0] == 0


def test_evaluate_reproduces_the_files_of_the_run(geovq, run):
    code, output, _ = geovq("evaluate", run)
    assert code == 0
    assert "Measured on 100 held-out images" in output
    assert output.endswith("Largest relative difference from the run's own files: 0.\n")


def test_evaluate_as_json_is_what_the_files_hold(geovq, run):
    code, output, _ = geovq("evaluate", run, "--json")
    assert code == 0
    files = {file.stem: json.loads(file.read_text()) for file in (run / "evaluation").iterdir()}
    assert json.loads(output) == files


def test_compare_tells_runs_of_one_name_apart_by_their_folders(geovq, run, tmp_path):
    code, output, _ = geovq("compare", run)
    assert code == 0
    assert output.count("mnist-sample/tiny") == 5
    shutil.copytree(run, tmp_path / "again")
    code, output, _ = geovq("compare", run, tmp_path / "again")
    assert code == 0
    assert output.count(str(run)) == output.count(str(tmp_path / "again")) == 5
