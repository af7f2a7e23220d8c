"""Doing jobs of a study in this process or in several, so that what one of them does cannot end the others."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numba
import torch
from threadpoolctl import threadpool_limits

from geovq.errors import Cancelled, GeovqError
from geovq.study.cells import Cell
from geovq.study.measuring import discard_training_state, measure_cell
from geovq.study.networks import Network
from geovq.study.results import write_cell
from geovq.study.table import StudyRow

Outcome = StudyRow | str | None  # of a cell its row, of a network nothing; a sentence where it failed
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """A run to make, or a cell to measure on a run that is made."""

    out: Path
    network: Network
    cell: Cell | None = None

    @property
    def name(self) -> str:
        """For people."""
        return self.network.name if self.cell is None else self.cell.name

    def do(self) -> Outcome:
        """Do it, and keep what it made; `Cancelled` if the making of a run was stopped."""
        try:
            if self.cell is None:
                self.network.make()
                return None
            row, arrays = measure_cell(self.cell, self.network.path, self.out)
            write_cell(self.out, row, arrays)
            discard_training_state(self.cell, self.out)
            return row
        except Cancelled:
            raise
        except GeovqError as error:
            return str(error)
        except Exception as error:  # one cell's fault, whatever it is, must not end the study; the table names it
            return f"{type(error).__name__}: {error}"


Next = Callable[[], Job | None]  # a job that can be done now; None while there is none


def outcomes(next_job: Next, n_workers: int) -> Iterator[tuple[Job, Outcome]]:
    """Jobs as they are done, until none is left.

    Parameters
    ----------
    next_job : callable
        Asked again whenever a worker is free.
    n_workers : int
        1 works in this process. More are processes with one thread each; they end when the iterator is closed.
    """
    if n_workers == 1:
        with _one_thread():
            while (job := next_job()) is not None:
                yield job, job.do()
        return
    workers = [_Worker() for _ in range(n_workers)]
    try:
        while True:
            for worker in workers:
                if worker.job is None and (job := next_job()) is not None:
                    worker.give(job)
            busy = [worker for worker in workers if worker.job is not None]
            if not busy:
                return
            ready = wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection in ready:
                    yield worker.take()
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """One process, and the job that it does."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _one_thread_in_environment():
            self._process.start()
        theirs.close()  # so that the pipe ends with the process

    def give(self, job: Job) -> None:
        self.job = job
        self.connection.send(job)

    def take(self) -> tuple[Job, Outcome]:
        """The job that is done; a process that has died gets a successor."""
        job, self.job = self.job, None
        assert job is not None
        try:
            return job, self.connection.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self._start()
            return job, f"Its process ended with exit code {code}, perhaps for want of memory; use fewer --workers."

    def end(self) -> None:
        self.connection.close()
        self._process.terminate()
        self._process.join()


def _serve(connection: Connection) -> None:
    """Do jobs until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process ends the others
    with _one_thread():
        while True:
            try:
                job: Any = connection.recv()
            except EOFError:
                return
            try:
                outcome = job.do()
            except Cancelled as error:
                outcome = str(error)
            try:
                connection.send(outcome)
            except OSError:  # nobody listens any more; what was made is on disk
                return


@contextmanager
def _one_thread() -> Iterator[None]:
    """As in a process of its own, so that the same cell gets the same numbers in both."""
    counts = torch.get_num_threads(), numba.get_num_threads()  # in this order: asking numba starts its threads
    numba.set_num_threads(1)
    torch.set_num_threads(1)  # after numba, whose threads set the count of all OpenMP code when they start
    try:
        with threadpool_limits(1):
            yield
    finally:
        numba.set_num_threads(counts[1])
        torch.set_num_threads(counts[0])


@contextmanager
def _one_thread_in_environment() -> Iterator[None]:
    """What a process inherits that starts within the block."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
