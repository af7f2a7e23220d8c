import pytest

from geovq.app.shared.markdown import as_text
from geovq.app.shared.wording import duration, progress_fraction, progress_sentence, stage_title
from geovq.runs.process.status import State, Status


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "unknown"), (0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")],
)
def test_times_are_written_for_people(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_stages_have_names_for_people() -> None:
    assert stage_title("vae") == "VAE"
    assert stage_title("prior:riemannian") == "prior (Riemannian)"
    assert stage_title("evaluation:vae") == "evaluation (VAE)"
    assert stage_title("vqvae-plain") == "VQ-VAE, plain"
    assert stage_title("tokens:vqvae-plain") == "tokens (VQ-VAE, plain)"
    assert stage_title("geometry") == "geometry"


def test_progress_says_what_is_known_and_nothing_else() -> None:
    full = Status(State.RUNNING, stage="geometry", stage_index=3, n_stages=9, phase="metric field", step=50, total=500,
                  unit="lattices", rate_per_s=12.34, eta_s=36.4)  # fmt: skip
    assert progress_sentence(full) == (
        "Stage 3 of 9: geometry · metric field · 50 of 500 lattices · 12.3 lattices per second · "
        "36 s left in this phase"
    )
    assert progress_sentence(Status(State.QUEUED, message="Waiting for the device.")) == "Waiting for the device."
    assert progress_sentence(Status(State.QUEUED)) == "queued"


@pytest.mark.parametrize(
    ("status", "fraction"),
    [
        (Status(State.QUEUED), 0.0),
        (Status(State.RUNNING, stage_index=2, n_stages=4, step=5, total=10), 0.375),
        (Status(State.RUNNING, stage_index=4, n_stages=4, step=12, total=10), 1.0),
        (Status(State.DONE), 1.0),
    ],
)
def test_the_bar_stays_between_nothing_and_all(status: Status, fraction: float) -> None:
    assert progress_fraction(status) == fraction


def test_paths_and_brackets_survive_markdown() -> None:
    assert as_text("outputs/a_b/[1] $x$ :red[no]") == r"outputs/a\_b/\[1\] \$x\$ \:red\[no\]"
