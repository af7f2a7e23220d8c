"""What the page Neighbourhoods keeps from one run of the script to the next: by folder and fingerprint."""

from geovq.app.geometry import caching as geometry_caching
from geovq.app.neighbourhoods import data
from geovq.app.neighbourhoods.data import Agreement, Neighbourhood
from geovq.app.shared.caching import shared
from geovq.app.shared.fetching import held_out_of
from geovq.app.shared.scene import Scene
from geovq.app.shared.views import Array
from geovq.geometry.graph.component_counts import Connectivity
from geovq.runs import Run


def scene(run: Run) -> Scene:
    """The latent space of a run, as the page Geometry keeps it."""
    return geometry_caching.scene(run)


@shared(2, "Decoding the landmarks …")
def patches(run: Run) -> Array:
    """Every landmark as a picture."""
    return data.landmark_patches(run, scene(run), held_out_of(run))


@shared(64, False)
def neighbourhood(run: Run, landmark: int) -> Neighbourhood:
    """All landmarks as seen from one."""
    return data.neighbourhood(scene(run), patches(run), landmark)


@shared(4, "Asking every landmark for its neighbours …")
def agreement(run: Run) -> Agreement:
    """How far the distances agree."""
    return data.agreement(run, scene(run), patches(run))


@shared(8, False)
def pieces(run: Run) -> Connectivity:
    """Components of the graph against the number of neighbours."""
    return data.pieces(scene(run))
