"""What the page Codebook keeps from one run of the script to the next: by folder and fingerprint."""

import numpy as np
from scipy.sparse import csr_matrix

from geovq.app.codebook import data
from geovq.app.codebook.data import Cells
from geovq.app.geometry import caching as geometry_caching
from geovq.app.shared import fetching
from geovq.app.shared.caching import shared
from geovq.app.shared.scene import Scene
from geovq.app.shared.views import Array
from geovq.codebook.areas import ClusterAreas
from geovq.codebook.medoid_graph import MedoidGraph
from geovq.runs import Run
from geovq.viz.patch_map import PatchMap

CENTRE = (3, 3)  # where codes are decoded


def scene(run: Run) -> Scene:
    """The latent space of a run, as the page Geometry keeps it."""
    return geometry_caching.scene(run)


@shared(8, "Asking every place for its nearest code …")
def cells(run: Run, name: str) -> Cells:
    """Voronoi cells of a tokenizer's medoids."""
    return data.cells(run, scene(run), name)


@shared(8, "Measuring the areas …")
def areas(run: Run, name: str) -> ClusterAreas:
    """Share of every code in the room of latent space."""
    return data.areas(run, scene(run), name)


@shared(8, "Laying out the codes …")
def code_graph(run: Run, name: str) -> tuple[MedoidGraph, Array]:
    """Borders between codes, and their places on paper."""
    return data.code_graph(run, scene(run), name)


@shared(16, False)
def placed_patches(run: Run, name: str, image: int | None, size: float) -> PatchMap:
    """Patches in their places in the plane; `size` is a share of its longer side."""
    side = size * float(np.ptp(scene(run).positions, axis=0).max())
    return data.laid_out(cells(run, name).medoids, *_pictured(run, name, image), side)


@shared(16, False)
def patches_on_paper(run: Run, name: str, image: int | None, size: float) -> PatchMap:
    """Patches in the layout of the code graph; `size` is a share of its longer side."""
    places = code_graph(run, name)[1]
    side = size * (float(np.ptp(places, axis=0).max()) or 1.0)
    return data.laid_out(places, *_pictured(run, name, image), side)


@shared(4, False)
def own_weights(run: Run, name: str) -> csr_matrix:
    """The landmark graph as a tokenizer measures it."""
    return data.own_weights(scene(run), name)


@shared(64, False)
def labels_after(run: Run, name: str, n_passes: int) -> Array:
    """Nearest medoid of every landmark after some passes."""
    return data.labels_after(run, own_weights(run, name), name, n_passes)


@shared(128, False)
def silhouette(run: Run, name: str, n_codes: int) -> float:
    """Silhouette of a codebook of so many codes; takes a second or more."""
    return data.silhouette(run, own_weights(run, name), name, n_codes)


def _pictured(run: Run, name: str, image: int | None) -> tuple[Array, Array]:
    return fetching.code_patches(run, name, image, CENTRE), fetching.usage(run, name).counts
