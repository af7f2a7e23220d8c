"""The codes in the plane of latent space: their pictures in their places, and their cells under both distances."""

from typing import Any

import numpy as np
import streamlit as st

from geovq.app.codebook import data
from geovq.app.codebook.controls import Choice, picked_place
from geovq.app.codebook.data import DISTANCES, Cells, Distance, landmark_tokenizer, stands_on_graph
from geovq.app.shared import fetching
from geovq.app.shared.caching import shared
from geovq.app.shared.charts import show
from geovq.app.shared.plane_axes import axis_titles, plane_words
from geovq.app.shared.readable import readable, theme
from geovq.app.shared.scene import Scene, scene_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import empty_state
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.viz import landmarks_figure, tokenizer_style
from geovq.viz.code_plane import PlacedCodes, cells_figure, placed_codes_figure

_TITLES: dict[Distance, str] = {"euclidean": "Nearest straight", "geodesic": "Nearest by geodesic"}
_MANY, _LARGE, _SMALL = 100, 0.05, 0.035  # codes, and the size of their pictures as a share of the plane


def plane(run: Run, choice: Choice) -> bool:
    """Draw what lies in the plane; whether the tokenizer that is looked into stands on the landmark graph."""
    st.subheader("Where do the codes lie?")
    placed = [name for name in choice.names if stands_on_graph(run, name)]
    if not placed:
        _without_graph(run, choice)
        return False
    scene = scene_of(run)
    _places(run, choice, scene, placed)
    if choice.tokenizer not in placed:
        other = tokenizer_style(placed[0]).label
        empty_state(
            f"{choice.label} has no landmarks",
            f"Its codes do not stand on the graph, so geodesics between them are not known. Look into {other} above.",
            icon="scatter_plot",
        )
        return False
    _cells(run, choice, scene)
    return True


def _places(run: Run, choice: Choice, scene: Scene, names: list[str]) -> None:
    parts = _placed(run, tuple(names), choice.image)
    drawn = ", ".join(
        f"{label} {of_total(int(part.pictures.is_drawn.sum()), len(part.positions), 'codes as pictures')}"
        for label, part in parts.items()
    )
    show(
        _places_figure(run, tuple(names), choice.image, theme()),
        "codebook_places",
        alt="Decoded patches of the codes at the places of their medoids in the latent plane, to choose one",
        title=_places_finding(run, names),
        help=f"{GLOSSARY['medoid']} A code without room for its picture is a diamond; rare codes go first. Grey dots "
        "are landmarks. Click a code to look into it.",
        caption=provenance(run, f"{drawn} · {plane_words(scene)}"),
        data={
            "code": np.concatenate([np.arange(len(part.positions)) for part in parts.values()]),
            "tokenizer": np.repeat(names, [len(part.positions) for part in parts.values()]),
            "x": np.concatenate([part.positions[:, 0] for part in parts.values()]),
            "y": np.concatenate([part.positions[:, 1] for part in parts.values()]),
        },
        select=lambda ids: picked_place(ids, names),
    )


@shared(8, False)
def _places_figure(run: Run, names: tuple[str, ...], image: int | None, theme: str) -> Any:
    titles = axis_titles(scene_of(run))
    return readable(placed_codes_figure(_placed(run, names, image), axis_titles=titles))


def _placed(run: Run, names: tuple[str, ...], image: int | None) -> dict[str, PlacedCodes]:
    all_counts = {name: fetching.usage(run, name).counts for name in names}
    size = _SMALL if max(map(len, all_counts.values())) > _MANY else _LARGE
    positions = scene_of(run).positions
    parts = {}
    for name, counts in all_counts.items():
        medoids = data.cells(run, name).medoids
        pictures = data.patches_in_plane(run, name, image, size)
        texts = [f"code {code}: {count:,} held-out cells" for code, count in enumerate(counts)]
        parts[tokenizer_style(name).label] = PlacedCodes(medoids, pictures, texts, positions)
    return parts


def _places_finding(run: Run, names: list[str]) -> str:
    """Where medoids stand: their magnification against that of all landmarks."""
    magnification = scene_of(run).geometry.log10_magnification.numpy()
    middle = np.median(magnification)
    parts = []
    for name in names:
        medoids = landmark_tokenizer(run, name).medoid_indices.numpy()
        parts.append(f"{(magnification[medoids] > middle).mean():.0%} of the {tokenizer_style(name).label} codes")
    return f"{' and '.join(parts)} stand where the decoder magnifies more than at the median landmark"


def _cells(run: Run, choice: Choice, scene: Scene) -> None:
    found, code = data.cells(run, choice.tokenizer), choice.code
    seen = {distance: len(np.unique(found.maps[distance][found.maps[distance] >= 0])) for distance in DISTANCES}
    how = (
        "exact, since no direction is hidden"
        if scene.is_exact
        else f"a projection: a place shows the code that most landmarks there have; {seen['euclidean']} and "
        f"{seen['geodesic']} of {len(found.medoids)} codes can be seen from above"
    )
    show(
        cells_figure(
            {_TITLES[distance]: found.maps[distance] for distance in DISTANCES},
            found.x,
            found.y,
            found.medoids,
            code,
            axis_titles=axis_titles(scene),
        ),
        "codebook_cells",
        alt=f"Cells of the {choice.label} codes, nearest straight and nearest by geodesic; code {code} is outlined",
        title=_cells_finding(choice, found),
        help="The same codes twice; only the distance differs. Diamonds are medoids, the large one is the code that is "
        "looked at. Neighbouring cells differ in colour; colours repeat.",
        caption=provenance(run, f"{plane_words(scene)} · {how}"),
        data={
            "landmark": range(scene.n_landmarks),
            "x": scene.positions[:, 0],
            "y": scene.positions[:, 1],
            **{f"code, {distance}": found.labels[distance] for distance in DISTANCES},
        },
    )


def _cells_finding(choice: Choice, found: Cells) -> str:
    n_landmarks = len(found.labels["geodesic"])
    sizes = found.n_landmarks(choice.code)
    return (
        f"{found.n_moved / n_landmarks:.0%} of the landmarks have another nearest code by geodesic than straight; "
        f"code {choice.code} goes from {sizes['euclidean']:,} to {sizes['geodesic']:,}"
    )


def _without_graph(run: Run, choice: Choice) -> None:
    found = {name: place for name in choice.names if (place := fetching.landmark_plane(run, name))}
    if not found:
        empty_state(
            "These tokenizers have no landmarks",
            "Only the Euclidean and the Riemannian tokenizer stand on a graph of landmarks. Choose one of them above.",
            icon="scatter_plot",
        )
        return
    first, shares = next(iter(found.values()))
    show(
        landmarks_figure(
            {name: place for name, (place, _) in found.items()},
            axis_titles=(
                f"direction 1 ({100 * shares[0]:.0f} % of variance)",
                f"direction 2 ({100 * shares[1]:.0f} % of variance)",
            ),
        ),
        "codebook_landmarks",
        alt="Landmarks in the two strongest latent directions, coloured by code, with the medoids as diamonds",
        title=f"Two directions that carry {100 * shares.sum():.0f} % of the variance",
        help=f"{GLOSSARY['landmark']} {GLOSSARY['medoid']} These landmarks are the tokenizer's own; the metric was not "
        "measured on them.",
        caption=provenance(run, f"{len(first.labels):,} landmarks, {len(first.medoids)} medoids"),
        data={"x": first.positions[:, 0], "y": first.positions[:, 1], "code": first.labels},
    )
