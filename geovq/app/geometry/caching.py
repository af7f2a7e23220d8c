"""What the page Geometry keeps from one run of the script to the next: by folder and fingerprint, as all pages do."""

from geovq.app.geometry import measured
from geovq.app.geometry.measured import Distance, MeasuredCurve
from geovq.app.shared import scene as geometry_scene
from geovq.app.shared.caching import shared
from geovq.app.shared.scene import Scene
from geovq.app.shared.views import Array
from geovq.runs import Run


@shared(2, "Measuring the plane …")
def scene(run: Run) -> Scene:
    """The latent space of a run."""
    return geometry_scene.make_scene(run)


@shared(64, "Relaxing geodesics …")
def curves(run: Run, first: int, second: int, image: int) -> dict[str, MeasuredCurve]:
    """Three ways between two landmarks."""
    return measured.curves(run, scene(run), first, second, image)


@shared(16, "Looking for a bent way …")
def bent_pair(run: Run, classes: tuple[int, int] | None = None) -> tuple[int, int]:
    """Two landmarks that show what a geodesic is."""
    return measured.bent_pair(run, scene(run), classes)


@shared(8, "Encoding …")
def landmark_codes(run: Run, tokenizer: str) -> Array:
    """Code of every landmark under a tokenizer, (N,)."""
    return geometry_scene.landmark_codes(run, scene(run), tokenizer)


@shared(8, False)
def projection(run: Run, distance: Distance) -> Array:
    """UMAP of landmarks under one of the two distances; takes seconds."""
    return measured.projection(run, scene(run), distance)
