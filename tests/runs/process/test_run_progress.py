import io
import sys

import pytest

from geovq.errors import JobError
from geovq.progress import Progress
from geovq.runs.metrics import read_metrics
from geovq.runs.process import run_progress
from geovq.runs.process.console import ConsoleProgress, LineConsole
from geovq.runs.process.pids import this_process
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.process.status import State, Status, create_status, read_status, request_cancel, write_status


class Clock:
    """Seconds that pass when we say so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Gone(io.StringIO):
    """Output whose reader went away."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(tmp_path, clock):
    return RunProgress(tmp_path / "run", terminal=False, clock=clock)


@pytest.fixture
def run(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def writes(monkeypatch):
    """Every status that is written."""
    written = []

    def write(path, status):
        written.append(status)
        write_status(path, status)

    monkeypatch.setattr(run_progress, "write_status", write)
    return written


def test_it_is_the_progress_that_library_code_asks_for(progress):
    listener: Progress = progress
    listener.start("training", 1, "steps")
    listener.advance()
    assert not listener.stop_requested()


def test_a_job_is_queued_then_running_then_what_it_ended_as(progress, run):
    assert read_status(run).state is State.QUEUED
    progress.begin_stage("vae", 2, 5)
    status = read_status(run)
    assert (status.state, status.stage, status.stage_index, status.n_stages) == (State.RUNNING, "vae", 2, 5)
    assert status.started_at >= status.queued_at
    progress.finish(State.FAILED, "The loss is not finite.", "Lower the learning rate.")
    status = read_status(run)
    assert (status.state, status.message, status.remedy) == (
        State.FAILED,
        "The loss is not finite.",
        "Lower the learning rate.",
    )


def test_phases_begin_and_end_on_disk_at_once(progress, run):
    progress.begin_stage("vae", 1, 1)
    progress.start("training", 3, "steps")
    status = read_status(run)
    assert (status.phase, status.step, status.total, status.unit) == ("training", 0, 3, "steps")
    for _ in range(3):
        progress.advance()
    assert read_status(run).step == 3


def test_between_begin_and_end_the_status_is_written_at_most_twice_a_second(progress, clock, writes):
    progress.start("training", 10_000, "steps")
    del writes[:]
    for _ in range(5_000):  # 10 seconds
        clock.now += 0.002
        progress.advance()
        progress.note("still at it")
    assert 15 <= len(writes) <= 20


def test_rate_and_eta_follow_the_present_speed(progress, clock, run):
    progress.start("training", 1_000, "steps")
    for step_s in [0.1] * 400 + [1.0] * 40:
        clock.now += step_s
        progress.advance()
    status = read_status(run)
    assert status.rate_per_s == pytest.approx(1.0, rel=1e-6)  # the fast steps have left the window
    assert status.eta_s == pytest.approx(560.0, rel=1e-6)


def test_steps_longer_than_the_window_have_a_rate(progress, clock, run):
    progress.start("distances", 4, "blocks")
    for _ in range(3):
        clock.now += 120.0
        progress.advance()
    assert read_status(run).rate_per_s == pytest.approx(1 / 120)
    assert read_status(run).eta_s == pytest.approx(120.0)


def test_a_leap_over_resumed_steps_is_no_speed(progress, clock, run):
    progress.start("training", 1_000, "steps")
    clock.now += 0.5
    progress.advance(900)
    assert read_status(run).rate_per_s is None
    for _ in range(10):
        clock.now += 0.5
        progress.advance()
    assert read_status(run).rate_per_s == pytest.approx(2.0)
    assert read_status(run).eta_s == pytest.approx(45.0)


def test_each_phase_counts_from_zero(progress, clock, run):
    progress.start("training", 10, "steps")
    clock.now += 1
    progress.advance(10)
    progress.start("validation", 4, "batches")
    status = read_status(run)
    assert (status.step, status.total, status.rate_per_s, status.eta_s) == (0, 4, None, None)


def test_records_are_on_disk_at_once_after_a_torn_line(run, clock):
    run.mkdir()
    (run / "metrics.jsonl").write_text('{"step": 1}\n{"st')
    progress = RunProgress(run, terminal=False, clock=clock)
    progress.record({"step": 2})
    assert read_metrics(run) == [{"step": 1}, {"step": 2}]


def test_the_flag_asks_to_stop_and_goes_with_the_job(progress, run):
    assert not progress.stop_requested()
    request_cancel(run)
    assert progress.stop_requested()
    progress.finish(State.CANCELLED)
    assert not (run / "cancel").exists()


def test_a_flag_left_by_an_earlier_job_is_not_ours(run):
    write_status(run, Status(State.RUNNING, pid=2**31 - 1, pid_started=1.0))
    request_cancel(run)
    assert not RunProgress(run, terminal=False).stop_requested()


def test_a_flag_set_between_launch_and_our_begin_is_ours(run):
    run.mkdir()
    pid, started = this_process()
    create_status(run, Status(State.QUEUED, pid=pid, pid_started=started, queued_at=12.0))
    request_cancel(run)
    assert RunProgress(run, terminal=False).stop_requested()
    assert read_status(run).queued_at == 12.0


def test_a_run_that_another_process_works_on_is_refused(run, other_process):
    theirs = Status(State.RUNNING, **other_process)
    write_status(run, theirs)
    with pytest.raises(JobError, match=r"is being worked on by process \d+ \(running\); wait for it or cancel"):
        RunProgress(run, terminal=False)
    assert read_status(run) == theirs


def test_a_damaged_status_of_an_earlier_job_does_not_stop_a_new_one(run):
    run.mkdir()
    (run / "status.json").write_text("{")
    RunProgress(run, terminal=False)
    assert read_status(run).state is State.QUEUED


def test_waiting_is_said_once_per_place(progress, run, writes, capsys):
    for position, holder in [(2, "mnist/a"), (2, "mnist/a"), (1, "mnist/b"), (1, None)]:
        progress.waiting(position, holder)
    assert [status.message for status in writes] == [
        "Waiting for the device: place 2 in the queue, after mnist/a.",
        "Waiting for the device: place 1 in the queue, after mnist/b.",
        "Waiting for the device: place 1 in the queue.",
    ]
    assert capsys.readouterr().out.count("Waiting") == 3
    assert read_status(run).state is State.QUEUED


def test_a_log_gets_plain_lines_at_most_every_ten_seconds(progress, clock, capsys):
    progress.begin_stage("vae", 1, 4)
    progress.start("training", 100, "steps")
    for _ in range(100):
        clock.now += 0.25
        progress.advance()
    progress.note("Saved.")
    progress.finish(State.DONE)
    assert capsys.readouterr().out.splitlines() == [
        "[1/4] vae: training: 100 steps",
        "[1/4] vae: training: 40/100 steps, 4 steps/s, 00:15 left",
        "[1/4] vae: training: 80/100 steps, 4 steps/s, 00:05 left",
        "Saved.",
        "[1/4] vae: training: 100/100 steps in 00:25",
    ]


def test_a_phase_named_like_its_stage_and_its_end_are_said_once(progress, clock, capsys):
    progress.begin_stage("prior:kmeans", 2, 3)
    progress.start("prior:kmeans", 2, "steps")
    for _ in range(2):
        clock.now += 11
        progress.advance()
    progress.finish(State.DONE)
    assert capsys.readouterr().out.splitlines() == [
        "[2/3] prior:kmeans: 2 steps",
        "[2/3] prior:kmeans: 1/2 steps",
        "[2/3] prior:kmeans: 2/2 steps in 00:22",
    ]


def test_the_last_word_is_written_even_if_nobody_reads_our_output(progress, run, monkeypatch):
    progress.start("training", 1, "steps")
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(BrokenPipeError):
        progress.finish(State.CANCELLED, "Interrupted.")
    assert read_status(run).message == "Interrupted."


def test_work_outside_a_run_shows_its_phases(clock, capsys):
    progress: Progress = ConsoleProgress(LineConsole(clock))
    progress.start("reconstruction", 2, "images")
    progress.advance(2)
    progress.note("Done.")
    assert not progress.stop_requested()
    assert capsys.readouterr().out == "reconstruction: 2 images\nDone.\n"


def test_a_terminal_gets_one_bar_per_phase(run, monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    progress = RunProgress(run, terminal=True)
    progress.begin_stage("vae", 1, 1)
    for phase in ("training", "validation"):
        progress.start(phase, 5, "steps")
        progress.advance(5)
    progress.note("Saved.")
    progress.finish(State.DONE)
    shown = screen.getvalue()
    for phase in ("training", "validation"):
        assert f"[1/1] vae: {phase}: 100%" in shown
    assert "steps/s" in shown
    assert "Saved." in shown


def test_a_row_that_names_no_stage_is_one_of_the_stage_at_work(progress, tmp_path):
    progress.begin_stage("tokenizer:kmeans", 1, 2)
    progress.record({"n_codes": 8})
    progress.record({"stage": "vae", "step": 1})
    assert [row["stage"] for row in read_metrics(tmp_path / "run")] == ["tokenizer:kmeans", "vae"]
