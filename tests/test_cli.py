"""The command line: what each command prints, one sentence and exit code 2 for bad input, and a life with signals."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml

from geovq.cli import main
from geovq.runs.process.status import State, read_status
from tests.conftest import TINY


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An outputs root of this test's own, on a machine without shipped runs."""
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path / "outputs"))
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", tmp_path / "checkpoints")
    return tmp_path / "outputs"


@pytest.fixture
def run(root, tiny_run):
    path = root / "mnist-sample" / "tiny"
    shutil.copytree(tiny_run, path)
    return path


@pytest.fixture
def config_file(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(TINY))
    return file


@pytest.fixture
def geovq(capsys):
    """Runs a command line in this process; gives exit code, output and errors."""

    def geovq(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return geovq


@pytest.fixture
def refused(geovq):
    """The one sentence that a command line is refused with."""

    def refused(*arguments):
        code, _, errors = geovq(*arguments)
        assert code == 2
        assert errors.startswith("geovq: ")
        assert errors.count("\n") == 1
        return errors

    return refused


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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="signals")
def test_a_real_process_survives_kill_and_terminate_and_writes_plain_lines(tiny_run, config_file, tmp_path):
    run = tmp_path / "run"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GEOVQ_OUTPUTS": str(tmp_path / "outputs")}
    line = [sys.executable, "-m", "geovq", "run", str(config_file), "--out", str(run)]

    def start():
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    def signal_in(stage, number):
        process = start()
        deadline = time.monotonic() + 120
        try:
            while not ((status := read_status(run)) and status.pid == process.pid and status.stage == stage):
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline, f"{stage} never began"
                time.sleep(0.001)
        finally:
            process.send_signal(number)
        return process.wait(timeout=60), process.communicate()[1]

    assert signal_in("vae", signal.SIGKILL) == (-signal.SIGKILL, "")
    assert read_status(run).state is State.LOST
    code, errors = signal_in("prior:kmeans", signal.SIGTERM)
    assert (code, errors.count("\n")) == (130, 1)
    assert errors.endswith(f"`python -m geovq run {run}` goes on.\n")
    assert read_status(run).state is State.CANCELLED

    output, errors = start().communicate(timeout=120)
    assert errors == ""
    assert "[14/21] prior:kmeans: 24 steps\n[14/21] prior:kmeans: 24/24 steps in 00:0" in output
    assert "\r" not in output
    assert read_status(run).state is State.DONE
    for file in ("vae.safetensors", "tokens/riemannian.npz", "priors/kmeans.safetensors", "evaluation/kmeans.json"):
        assert (run / file).read_bytes() == (tiny_run / file).read_bytes(), file


@pytest.mark.slow
def test_doctor_says_one_line_each_and_counts_them(root, geovq):
    code, out, _ = geovq("doctor")
    *lines, last = out.splitlines()
    assert code == 0
    assert {line.split()[0] for line in lines} <= {"ok", "warning"}
    assert {line[9:23].strip() for line in lines} >= {"geovq", "libraries", "device", "outputs", "disk", "data", "port"}
    assert last.startswith("no problems, ")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
@pytest.mark.slow
def test_doctor_ends_with_1_and_a_sentence_where_there_is_no_such_device(root, geovq):
    code, out, _ = geovq("doctor", "--device", "cuda")
    assert code == 1
    assert "device 'cuda' was asked for, but no CUDA device is visible here" in out
    assert out.splitlines()[-1].startswith("1 problem, ")
