"""Runs on disk: making them stage by stage, reading them, listing them."""

from geovq.runs.layout import outputs_root
from geovq.runs.listing import RunSummary, list_runs
from geovq.runs.reading import Run, Samples, open_run
from geovq.runs.stages.workspace import experiment_images, images_of_geometry

__all__ = [
    "Run",
    "RunSummary",
    "Samples",
    "experiment_images",
    "images_of_geometry",
    "list_runs",
    "open_run",
    "outputs_root",
]
