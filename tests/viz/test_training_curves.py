import math
from typing import Any

from geovq.viz import loss_figure, loss_parts, part_title, throughput_figure


def row(split: str, step: int, elapsed_s: float, **measured: float) -> dict[str, object]:
    return {"stage": "vae", "split": split, "step": step, "elapsed_s": elapsed_s, **measured}


ROWS = [
    row("train", 1, 0.1, examples_per_s=900.0, bce_nats=200.0, kl_nats=1.0, loss=201.0),
    row("train", 2, 0.2, examples_per_s=950.0, bce_nats=150.0, kl_nats=2.0, loss=152.0),
    row("validation", 2, 0.3, bce_nats=155.0, kl_nats=2.0, loss=157.0),
]


def test_every_part_of_the_loss_has_a_panel_with_its_unit() -> None:
    assert loss_parts(ROWS) == ["loss", "bce_nats", "kl_nats"]
    figure = loss_figure(ROWS)
    parts = ("loss (total)", "reconstruction (BCE)", "KL to the prior")
    assert [note.text for note in figure.layout.annotations] == [f"{part}<br>nats per image" for part in parts]
    assert figure.layout.xaxis.title.text == "step"


def test_training_is_a_line_and_validation_marked_points() -> None:
    train, validation = loss_figure(ROWS).data[:2]
    assert (train.mode, list(train.y)) == ("lines", [201.0, 152.0])
    assert (validation.mode, list(validation.x), list(validation.y)) == ("lines+markers", [2.0], [157.0])
    assert train.line.color != validation.line.color


def test_each_split_is_named_once_in_the_legend() -> None:
    named = [trace.name for trace in loss_figure(ROWS).data if trace.showlegend]
    assert named == ["training", "validation"]


def test_values_that_are_not_numbers_leave_a_gap_instead_of_breaking_the_curve() -> None:
    rows: list[dict[str, Any]] = [
        *ROWS,
        {"split": "train", "step": 3, "loss": math.nan},
        {"split": "train", "step": 4, "loss": None},
    ]
    assert list(loss_figure(rows).data[0].x) == [1.0, 2.0]


def test_a_training_that_has_not_reported_yet_is_an_empty_figure() -> None:
    assert len(loss_figure([]).data) == 0
    assert list(throughput_figure([]).data[0].x) == []


def test_throughput_is_per_second_over_seconds() -> None:
    figure = throughput_figure(ROWS)
    assert list(figure.data[0].y) == [900.0, 950.0]
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("time (s)", "examples per second")


def test_units_come_from_the_name() -> None:
    assert part_title("nll_nats_per_token") == ("negative log-likelihood", "nats per token")
    assert part_title("something_new") == ("something new", "")


def test_a_total_of_one_part_is_shown_once() -> None:
    assert loss_parts([{"split": "train", "step": 1, "nll_nats_per_token": 2.0, "loss": 2.0}]) == ["nll_nats_per_token"]


def test_members_of_a_group_get_no_panel():
    rows = [
        {
            "split": "validation",
            "step": 1,
            "bce_nats": 1.0,
            "kl_nats": 2.0,
            **{f"kl_nats/{c:02d}": 0.1 for c in range(16)},
            "loss": 3.0,
        }
    ]
    assert loss_parts(rows) == ["loss", "bce_nats", "kl_nats"]
