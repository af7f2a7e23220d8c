import os
import sys
import threading

import psutil
import pytest

from geovq.config import load_config
from geovq.errors import ArtifactError, ConfigError, JobError
from geovq.jobs import launch, launching, resume, tail_log
from geovq.runs.process.status import State, read_status, request_cancel

PRINT_SURROUNDINGS = (
    "import os, sys; from importlib.util import find_spec;"
    "print(find_spec('geovq') is not None, os.environ['GEOVQ_DATA']);"
    "print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()));"
    "print('to stderr', file=sys.stderr)"
)


def python(code):
    return (sys.executable, "-S", "-c", code)


def test_a_launched_job_is_queued_with_its_process_and_its_frozen_settings(jobs):
    job = jobs.launch("base", vae={"beta": 0.5})
    status = read_status(job.run_path)
    assert (status.state, status.pid) == (State.QUEUED, job.pid)
    assert job.run_path == jobs.root / "mnist-sample" / "base"
    assert load_config(job.run_path / "config.yaml").vae.beta == 0.5


def test_a_job_runs_in_its_own_session_with_our_environment_and_its_output_in_the_log(
    jobs, monkeypatch, tmp_path, wait_until
):
    monkeypatch.setenv("GEOVQ_DATA", "/somewhere/data")
    monkeypatch.chdir(tmp_path)  # the package is found from anywhere
    job = jobs.launch("base", python(PRINT_SURROUNDINGS))
    wait_until(lambda: read_status(job.run_path).state is State.LOST)
    assert tail_log(job.run_path).splitlines() == ["True /somewhere/data", "True ''", "to stderr"]


def test_without_a_command_the_worker_is_geovq_run(jobs, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    job = jobs.launch("base", command=None)
    psutil.wait_procs([psutil.Process(job.pid)] if psutil.pid_exists(job.pid) else [], timeout=10)
    assert tail_log(job.run_path) == f"-P -m geovq run {job.run_path}/config.yaml --out {job.run_path}"


def test_a_job_that_ended_leaves_no_zombie(jobs, wait_until):
    job = jobs.launch("base", python("pass"))
    wait_until(lambda: not psutil.pid_exists(job.pid))
    assert read_status(job.run_path).state is State.LOST


def test_a_run_has_one_job_at_a_time(jobs):
    job = jobs.launch("base")
    with pytest.raises(JobError, match=rf"mnist-sample/base is queued in process {job.pid}; .* cancel it first"):
        jobs.launch("base")
    with pytest.raises(JobError, match="cancel it first"):
        resume(job.run_path, jobs.root)
    assert read_status(job.run_path).pid == job.pid


def test_of_several_launches_at_the_same_moment_one_starts(jobs):
    barrier = threading.Barrier(6)
    started, refused = [], []

    def press_start():
        barrier.wait(timeout=30)
        try:
            started.append(jobs.launch("base"))
        except JobError as error:
            refused.append(error)

    tabs = [threading.Thread(target=press_start) for _ in range(6)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(timeout=60)
    assert (len(started), len(refused)) == (1, 5)


def test_a_launch_does_not_undo_what_the_job_said_first(jobs, monkeypatch, wait_until):
    says_done = "open('status.json', 'w').write('{\"state\": \"done\"}')"
    create_status = launching.create_status

    def come_late(run_path, status):
        wait_until(lambda: read_status(run_path))  # there, and not empty any more
        return create_status(run_path, status)

    monkeypatch.setattr(launching, "create_status", come_late)
    run_path = jobs.root / "mnist-sample" / "base"
    job = jobs.launch("base", python(f"import os; os.chdir({str(run_path)!r}); {says_done}"))
    assert read_status(job.run_path).state is State.DONE


def test_launching_the_same_settings_again_goes_on_and_forgets_the_old_cancel(jobs, wait_until):
    first = jobs.launch("base", python("print('one')"))
    wait_until(lambda: read_status(first.run_path).state is State.LOST)
    request_cancel(first.run_path)
    again = jobs.launch("base")
    assert again.run_path == first.run_path
    assert read_status(again.run_path).state is State.QUEUED
    assert tail_log(again.run_path) == "one"


def test_other_settings_never_replace_a_run(jobs, wait_until):
    first = jobs.launch("base", python("pass"))
    wait_until(lambda: read_status(first.run_path).state is State.LOST)
    with pytest.raises(JobError, match="holds a run with other settings; choose another name, or delete"):
        jobs.launch("base", seed=1)
    assert load_config(first.run_path / "config.yaml").seed == 0


def test_a_process_that_cannot_start_is_a_failed_job(jobs):
    with pytest.raises(JobError, match="process cannot be started"):
        jobs.launch("base", ("/does/not/exist",))
    status = read_status(jobs.root / "mnist-sample" / "base")
    assert status.state is State.FAILED
    assert status.remedy


def test_resume_needs_a_run_that_can_be_read(jobs):
    with pytest.raises(ConfigError, match=r"config\.yaml does not exist"):
        resume(jobs.root / "mnist-sample" / "base", jobs.root)
    run_path = jobs.root / "mnist-sample" / "base"
    run_path.mkdir(parents=True)
    (run_path / "config.yaml").write_text("nome: x\n")
    with pytest.raises(ConfigError, match="did you mean name"):
        resume(run_path, jobs.root)


def test_an_outputs_folder_that_cannot_be_written_to_is_named(jobs, tmp_path):
    jobs.root.touch()
    with pytest.raises(JobError, match=r"outputs cannot be written to .* GEOVQ_OUTPUTS"):
        jobs.launch("base")


def test_shipped_runs_are_never_launched_into(jobs, monkeypatch):
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", jobs.root.resolve())
    with pytest.raises(JobError, match="ships with geovq and is read-only"):
        jobs.launch("base")
    assert not jobs.root.exists()


def test_a_damaged_status_is_named_before_anything_is_started(jobs):
    run_path = jobs.root / "mnist-sample" / "base"
    run_path.mkdir(parents=True)
    (run_path / "status.json").write_text("{")
    with pytest.raises(ArtifactError, match="delete that file and start the run again"):
        jobs.launch("base")
    assert os.listdir(run_path) == ["status.json"]


def test_a_job_on_a_finished_vae_begins_with_it_and_makes_the_named_part(jobs, tiny_config, tiny_run, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    config = tiny_config.model_copy(update={"name": "other"})
    job = jobs.remember(launch(config, jobs.root, target="train-prior", reuse=tiny_run))
    psutil.wait_procs([psutil.Process(job.pid)] if psutil.pid_exists(job.pid) else [], timeout=10)
    taken, command = tail_log(job.run_path).splitlines()
    assert taken.startswith(f"Taken over from {tiny_run}: vae, ")
    assert command == f"-P -m geovq train-prior {job.run_path}/config.yaml --out {job.run_path}"
    assert (job.run_path / "vae.safetensors").read_bytes() == (tiny_run / "vae.safetensors").read_bytes()
    assert load_config(job.run_path / "config.yaml") == config


def test_a_vae_that_does_not_fit_starts_nothing(jobs, tiny_config, tiny_run):
    config = tiny_config.model_copy(update={"name": "other", "seed": 5})
    with pytest.raises(ConfigError, match="seed must be as in mnist-sample/tiny"):
        launch(config, jobs.root, reuse=tiny_run)
    assert not (jobs.root / "mnist-sample" / "other").exists()
