"""Running a study: what is left, in which order, for how long, and the table of what is done."""

import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tqdm import tqdm

from geovq.errors import Cancelled, ConfigError
from geovq.runs.manifest import read_manifest
from geovq.runs.process.interruption import interruptible
from geovq.study.cells import Cell, plan_cells
from geovq.study.networks import Network, networks_of
from geovq.study.results import read_row, write_failure, write_tables
from geovq.study.settings import load_study
from geovq.study.table import TABLE_NAME, StudyRow
from geovq.study.workers import Job, Outcome, outcomes

_SAVE_EVERY_S = 20.0


@dataclass
class Agenda:
    """Jobs that are left: cells, each after the run that it stands on.

    Attributes
    ----------
    out : Path
        Folder of the study.
    waiting : list of Cell
        Cells to measure, what matters first first.
    networks : dict of str to Network
        By the key of each cell.
    made : set of Path
        Runs that are whole.
    begun : set of Path
        Runs that somebody makes now.
    """

    out: Path
    waiting: list[Cell]
    networks: dict[str, Network]
    made: set[Path] = field(default_factory=set)
    begun: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.made |= {network.path for network in self.missing() if network.is_made()}

    def missing(self) -> list[Network]:
        """Runs that must be made before the cells that wait, each once."""
        needed = {(network := self.networks[cell.key]).path: network for cell in self.waiting}
        return [network for path, network in needed.items() if path not in self.made]

    def take(self) -> Job | None:
        """The first cell whose run is made; if there is none, the first run that nobody makes."""
        for cell in self.waiting:
            network = self.networks[cell.key]
            if network.path in self.made:
                self.waiting.remove(cell)
                return Job(self.out, network, cell)
        for network in self.missing():
            if network.path not in self.begun:
                self.begun.add(network.path)
                return Job(self.out, network)
        return None

    def drop(self, network: Network) -> list[Cell]:
        """Cells that cannot be measured, since their run could not be made."""
        lost = [cell for cell in self.waiting if self.networks[cell.key].path == network.path]
        self.waiting = [cell for cell in self.waiting if cell not in lost]
        return lost


class Clock:
    """How long the rest of a study takes, from what like jobs took."""

    def __init__(self, networks: Iterable[Network], n_workers: int) -> None:
        self._seconds: dict[str, list[float]] = {}
        self._n_workers = n_workers
        for network in networks:
            manifest = read_manifest(network.path) if network.is_made() else None
            if manifest is not None:
                self._add(network.kind, sum(manifest.stages[stage].elapsed_s for stage in network.stages))

    def add(self, cell: Cell, seconds: float) -> None:
        """A cell was measured."""
        self._add(cell.kind, seconds)

    def left(self, agenda: Agenda) -> str:
        """Jobs that are left, and about how long they take where like ones were timed."""
        kinds = [cell.kind for cell in agenda.waiting] + [network.kind for network in agenda.missing()]
        if not kinds:
            return "nothing is left"
        known = [statistics.fmean(self._seconds[kind]) for kind in kinds if kind in self._seconds]
        n_runs = len(agenda.missing())
        what = _counted(len(agenda.waiting), "cell") + (f" and {_counted(n_runs, 'run')}" if n_runs else "")
        if not known:
            return f"{what} left"
        about = tqdm.format_interval(sum(known) / self._n_workers)
        unknown = f", besides {len(kinds) - len(known)} of kinds not timed yet" if len(known) < len(kinds) else ""
        return f"{what} left, about {about}{unknown}"

    def _add(self, kind: str, seconds: float) -> None:
        self._seconds.setdefault(kind, []).append(seconds)


def run_study(
    config_file: Path, out: Path, *, only: Sequence[str] = (), n_workers: int = 1, dry_run: bool = False
) -> None:
    """Measure every cell that is not measured yet, and write the table; prints what it does.

    Parameters
    ----------
    config_file : Path
    out : Path
        Folder of the study.
    only : sequence of str
        Patterns, as of a shell, of which a cell's name must match one; all cells by default.
    n_workers : int, default=1
        Processes at work.
    dry_run : bool, default=False
        Say what there is to do, and do nothing.

    Raises
    ------
    ConfigError
        If the settings are not valid, or no cell matches.
    Cancelled
        If it was interrupted; what was measured stays.
    """
    cells = plan_cells(load_study(config_file), config_file.parent)
    networks = networks_of(cells, out)
    chosen = [cell for cell in cells if not only or any(fnmatchcase(cell.name, pattern) for pattern in only)]
    if not chosen:
        raise ConfigError(f"No cell matches {' or '.join(only)}; names are such as {cells[-1].name}.")
    rows = {cell.key: row for cell in cells if (row := read_row(out, cell)) is not None}
    clock = Clock({network.path: network for network in networks.values()}.values(), n_workers)
    for cell in cells:
        if cell.key in rows and (seconds := rows[cell.key].seconds) is not None:
            clock.add(cell, seconds)
    waiting = [cell for cell in chosen if cell.key not in rows or rows[cell.key].error]
    agenda = Agenda(out, waiting, networks)
    print(f"{len(chosen) - len(waiting):,} of {len(chosen):,} cells are measured; {clock.left(agenda)}.", flush=True)
    if dry_run:
        for name in [network.name for network in agenda.missing()] + [cell.name for cell in waiting]:
            print(name)
        return
    try:
        with interruptible():
            _work(agenda, rows, clock, cells, n_workers)
    except (KeyboardInterrupt, Cancelled) as error:
        done = _counted(sum(not row.error for row in rows.values()), "measured cell")
        raise Cancelled(f"The study was interrupted; it keeps {done}, and the same command goes on.") from error
    finally:
        write_tables(out, [rows[cell.key] for cell in cells if cell.key in rows])
    failed = [cell.name for cell in chosen if rows[cell.key].error]
    print(f"{out / TABLE_NAME} has {len(rows):,} rows.")
    if failed:
        shown = ", ".join(failed[:5]) + (" …" if failed[5:] else "")
        print(f"{_counted(len(failed), 'cell')} failed; the table says why: {shown}")


def _work(agenda: Agenda, rows: dict[str, StudyRow], clock: Clock, cells: Sequence[Cell], n_workers: int) -> None:
    """Do what is left; rows are added as they come, and the table is written now and then."""
    saved = time.monotonic()
    for job, outcome in outcomes(agenda.take, n_workers):
        for cell in _of_job(job, outcome, agenda):
            row = outcome if isinstance(outcome, StudyRow) else cell.row(error=str(outcome))
            rows[cell.key] = row
            if row.error:
                write_failure(agenda.out, row)
            else:
                clock.add(cell, row.seconds or 0.0)
            print(f"{cell.name}: {_finding(row)}; {clock.left(agenda)}.", flush=True)
        if time.monotonic() - saved > _SAVE_EVERY_S:
            write_tables(agenda.out, [rows[cell.key] for cell in cells if cell.key in rows])
            saved = time.monotonic()


def _of_job(job: Job, outcome: Outcome, agenda: Agenda) -> list[Cell]:
    """Cells that a job has settled."""
    if job.cell is not None:
        return [job.cell]
    if outcome is None:
        agenda.made.add(job.network.path)
        return []
    return agenda.drop(job.network)


def _finding(row: StudyRow) -> str:
    if row.error:
        return f"failed: {row.error}"
    rate = "" if row.bits_per_token is None else f" at {row.bits_per_token:.2f} bits per token"
    return f"MSE {row.mse:.5f}{rate} on {row.n_images:,} images in {row.seconds:.0f} s"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
