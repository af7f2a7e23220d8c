"""Rate and error of everything comparable in one plane."""

from collections.abc import Iterable

from geovq.app.compare.controls import ERROR_TITLES
from geovq.app.compare.data import Measure, Side
from geovq.app.compare.table import comparison_columns, comparison_table, measured_points
from geovq.app.shared.charts import data_table, show
from geovq.app.shared.selection import provenance
from geovq.app.shared.states import empty_state
from geovq.app.shared.tables import measured_on
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import RunSummary
from geovq.viz.rate_distortion import rate_error_figure

_CURVES = (
    "Lines join runs that differ in their codebooks only. Whiskers are two standard errors. Hollow: refitted decoder. "
    "Small and pale: other runs on these images."
)


def measured_section(a: Side, b: Side, measure: Measure, others: Iterable[RunSummary]) -> None:
    """The plane and the table behind it; a box if nothing was measured yet."""
    runs = list({side.run.path: side.run for side in (a, b)}.values())
    measured = [(run, dict(run.measurements)) for run in runs if set(run.measurements) - {"vae"}]
    if not measured:
        empty_state(
            "This run is not measured yet",
            "The last stage measures every tokenizer on held-out images. The pictures below are there already.",
            link="train",
            label="Watch or resume it",
            icon="speed",
        )
        return
    points = measured_points(a, b, measure, list(others))
    n_runs = len({point.run for point in points})
    caption = " and ".join(f"run {run.id}, seed {run.seed}" for run, _ in measured)
    everything = {f"{run.id} {name}": values for run, by_name in measured for name, values in by_name.items()}
    show(
        rate_error_figure(points, error_title=ERROR_TITLES[measure]),
        "compare_plane",
        alt=f"Error against rate of {len(points)} tokenizers of {n_runs} runs; A and B are marked by name",
        title=f"What each costs and loses: {len(points)} points of {n_runs} {'run' if n_runs == 1 else 'runs'}",
        help=f"Rate: {GLOSSARY['rate']} {_CURVES}",
        caption=f"{measured_on(everything)} · {caption}",
        data=[vars(point) for point in points],
    )
    data_table(
        comparison_table(measured),
        "compare_table",
        columns=comparison_columns(),
        caption=provenance(a.run, measured_on(everything))
        if len(runs) == 1
        else f"{measured_on(everything)} · {caption}",
        alt="Rate, distortion, reconstruction and prior of every tokenizer",
    )
