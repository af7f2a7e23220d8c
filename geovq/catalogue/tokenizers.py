"""All tokenizers, one description each.

A tokenizer made after training is added with a description here and a file in `geovq/tokenization` that holds its fit
function, a `geovq.tokenization.base.Fit`, and its class where no existing one encodes as it does. One that is trained
end to end names the model that trains it instead. The order is that of menus and of the schema.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from geovq.catalogue.fsq_levels import FSQ_LEVELS

_NEAREST_CODE = "geovq.tokenization.nearest_code:NearestCodeTokenizer"
_LANDMARKS = "geovq.tokenization.landmark:LandmarkTokenizer"
_LOCAL_METRIC = "geovq.tokenization.local_metric:LocalMetricTokenizer"


class FitSizes(NamedTuple):
    """What the time of a fit can depend on."""

    n_images: int
    n_landmarks: int
    n_codes: int
    n_restarts: int
    forms_all_distances: bool  # whether the search for medoids needs all distances between landmarks


def _cells_and_codes(sizes: FitSizes) -> int:
    """Every cell is compared with every code in every start."""
    return sizes.n_images * sizes.n_codes * sizes.n_restarts


def _graph_search(sizes: FitSizes) -> int:
    """All distances between landmarks, unless the search does without them."""
    return sizes.n_landmarks * (sizes.n_landmarks if sizes.forms_all_distances else 1)


def _all_distances(sizes: FitSizes) -> int:
    return sizes.n_landmarks**2


def _copy(sizes: FitSizes) -> int:
    """The codebook of a trained model is copied."""
    return 1


@dataclass(frozen=True)
class TokenizerDescription:
    """One tokenizer.

    Attributes
    ----------
    name : str
        As settings, files and links write it.
    label : str
        As people read it.
    gloss : str
        One line for people who do not know it.
    codebook, encoding : str
        How the codes are found, and the rule that gives a cell its code, in a few words.
    colour, marker, dash : str
        In every figure: "#rrggbb", and plotly's names of a symbol and of a line pattern.
    stored_as : str
        Reference to the class that its file holds.
    fit_work : callable
        `FitSizes` to a number that the time of the fit grows with, in proportion.
    fit : str
        Reference to its fit function, if it is made after training.
    autoencoder : str
        Reference to the model it is trained with, quantizer included, if it is trained end to end.
    unused_settings : frozenset of str
        Settings of section `vqvae` that this model does not read.
    starts_at_mean : bool
        Whether its decoder starts from the mean pixel of the images. Otherwise the first steps, in which everything
        learns to be darker, press all cells to one end, which a quantizer without restarts does not recover from.
    code_counts : tuple of int
        Numbers of codes K that it can have, if not any.
    own_settings : frozenset of str
        Settings of section `codebook` that only the tokenizers read which name them here.
    on_graph : bool
        Whether codes are landmarks of the run's graph, searched for by `codebook.solver`.
    measures_images : bool
        Whether its distances are lengths in the run's output geometry; otherwise they are in latent units.
    always_forms_all_distances : bool
        Whether it holds all distances between landmarks, whatever the solver.
    """

    name: str
    label: str
    gloss: str
    codebook: str
    encoding: str
    colour: str
    marker: str
    dash: str
    stored_as: str
    fit_work: Callable[[FitSizes], int]
    fit: str = ""
    autoencoder: str = ""
    unused_settings: frozenset[str] = frozenset()
    starts_at_mean: bool = False
    code_counts: tuple[int, ...] = ()
    own_settings: frozenset[str] = frozenset()
    on_graph: bool = False
    measures_images: bool = False
    always_forms_all_distances: bool = False


_ALL = (
    TokenizerDescription(
        name="kmeans",
        label="k-means",
        gloss="Codes are means of cells, by straight distance in latent space.",
        codebook="Euclidean k-means on the cells",
        encoding="nearest centroid",
        colour="#7a8594",
        marker="square",
        dash="dot",
        stored_as=_NEAREST_CODE,
        fit="geovq.tokenization.fit_kmeans:fit_kmeans",
        fit_work=_cells_and_codes,
        own_settings=frozenset({"refine_rounds"}),
    ),
    TokenizerDescription(
        name="euclidean",
        label="Euclidean",
        gloss="Distances measured straight in latent space.",
        codebook="k-medoids on graph distances with Euclidean edge lengths",
        encoding="shortest way to a medoid over a near landmark, Euclidean",
        colour="#2f81d6",
        marker="circle",
        dash="dash",
        stored_as=_LANDMARKS,
        fit="geovq.tokenization.fit_landmarks:fit_euclidean",
        fit_work=_graph_search,
        own_settings=frozenset({"assign"}),
        on_graph=True,
    ),
    TokenizerDescription(
        name="riemannian",
        label="Riemannian",
        gloss="Distances measured by how much the decoded picture changes along the way.",
        codebook="k-medoids on pullback geodesics",
        encoding="shortest way to a medoid over a near landmark, by the decoder's metric",
        colour="#d9661f",
        marker="diamond",
        dash="solid",
        stored_as=_LANDMARKS,
        fit="geovq.tokenization.fit_landmarks:fit_riemannian",
        fit_work=_graph_search,
        own_settings=frozenset({"assign"}),
        on_graph=True,
        measures_images=True,
    ),
    TokenizerDescription(
        name="weighted",
        label="Local metric",
        gloss="Codes and cells are compared by how much the decoded picture changes near the cell, and codes that need "
        "more bits must earn them.",
        codebook="metric-weighted Lloyd with a bit price, by the decoder's metric",
        encoding="least error under the nearest landmark's metric, plus the price of the bits",
        colour="#b07d12",
        marker="pentagon",
        dash="8px 2px",
        stored_as=_LOCAL_METRIC,
        fit="geovq.tokenization.fit_weighted:fit_weighted",
        fit_work=_cells_and_codes,
        own_settings=frozenset({"bit_price", "refine_rounds"}),
        measures_images=True,
    ),
    TokenizerDescription(
        name="ecvq",
        label="ECVQ",
        gloss="The Euclidean twin of the local metric: the same search and the same price of bits, with distances "
        "measured straight in latent space.",
        codebook="Lloyd with a bit price (entropy-constrained vector quantization), Euclidean",
        encoding="least squared distance, plus the price of the bits",
        colour="#4f8f3a",
        marker="hexagon",
        dash="2px 2px",
        stored_as=_LOCAL_METRIC,
        fit="geovq.tokenization.fit_weighted:fit_ecvq",
        fit_work=_cells_and_codes,
        own_settings=frozenset({"bit_price", "refine_rounds"}),
    ),
    TokenizerDescription(
        name="prototype",
        label="Prototype",
        gloss="The rules that this method was first published with, kept to show what they cost: an edge weighs how "
        "much the decoder stretches, not how long it is, and a cell goes to the landmark nearest in latent space.",
        codebook="k-medoids by alternation on sums of stretch factors",
        encoding="code of the nearest landmark",
        colour="#1f9373",
        marker="x",
        dash="longdashdot",
        stored_as=_LANDMARKS,
        fit="geovq.tokenization.prototype:fit_prototype",
        fit_work=_all_distances,
        always_forms_all_distances=True,
    ),
    TokenizerDescription(
        name="vqvae",
        label="VQ-VAE",
        gloss="Trained end to end with its codebook: codes are moving averages of what they stand for, and one that is "
        "hardly used starts again elsewhere.",
        codebook="trained end to end: moving averages, k-means start, restarts",
        encoding="nearest code",
        colour="#9467c9",
        marker="triangle-up",
        dash="dashdot",
        stored_as=_NEAREST_CODE,
        autoencoder="geovq.models.vqvae:LatticeVQVAE",
        fit_work=_copy,
    ),
    TokenizerDescription(
        name="vqvae-plain",
        label="VQ-VAE, plain",
        gloss="The same network with the codebook as first published: codes learn by gradient, and nothing brings "
        "back one that is not used.",
        codebook="trained end to end: by gradient, without restarts",
        encoding="nearest code",
        colour="#c2588f",
        marker="star",
        dash="longdash",
        stored_as=_NEAREST_CODE,
        autoencoder="geovq.models.vqvae:PlainVQVAE",
        unused_settings=frozenset({"decay", "restart_below"}),
        fit_work=_copy,
    ),
    TokenizerDescription(
        name="fsq",
        label="FSQ",
        gloss="Trained end to end without a codebook to learn: a few channels are each rounded to a few levels.",
        codebook="trained end to end: all combinations of a few levels in each of a few channels",
        encoding="rounding",
        colour="#c81c56",
        marker="triangle-down",
        dash="12px 3px 3px 3px",
        stored_as=_NEAREST_CODE,
        autoencoder="geovq.models.vqvae:FSQVAE",
        unused_settings=frozenset({"latent_channels", "commitment", "decay", "restart_below"}),
        starts_at_mean=True,
        code_counts=tuple(FSQ_LEVELS),
        fit_work=_copy,
    ),
    TokenizerDescription(
        name="simvq",
        label="SimVQ",
        gloss="Trained end to end with codes that are one linear map of a fixed random basis, so that all of them "
        "learn from every cell.",
        codebook="trained end to end: a linear map of a frozen basis",
        encoding="nearest code",
        colour="#a706f8",
        marker="cross",
        dash="4px 8px",
        stored_as=_NEAREST_CODE,
        autoencoder="geovq.models.vqvae:SimVQVAE",
        unused_settings=frozenset({"decay", "restart_below"}),
        starts_at_mean=True,
        fit_work=_copy,
    ),
)

TOKENIZERS = {description.name: description for description in _ALL}
POST_HOC = tuple(name for name, description in TOKENIZERS.items() if description.fit)
END_TO_END = tuple(name for name, description in TOKENIZERS.items() if description.autoencoder)
ON_GRAPH = tuple(name for name, description in TOKENIZERS.items() if description.on_graph)
