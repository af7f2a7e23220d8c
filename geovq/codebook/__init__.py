"""Codebooks: k-medoids over graph distances, k-means, metric-weighted Lloyd, and rules for the number of codes."""

from geovq.codebook.alternate import alternate_kmedoids
from geovq.codebook.choosing import CodeCountChoice, code_count_rule
from geovq.codebook.kmeans import KMeansResult, KMeansSolver
from geovq.codebook.kmedoids import KMedoidsResult, kmedoids
from geovq.codebook.on_graph.lloyd import graph_kmedoids
from geovq.codebook.pam import classical_pam
from geovq.codebook.silhouette import medoid_silhouette
from geovq.codebook.solvers import CodebookSolver, MatrixSolver, MedoidSolver, codebook_solver
from geovq.codebook.weighted import WeightedResult, weighted_lloyd
from geovq.codebook.weighted_solver import WeightedSolver
from geovq.codebook.weighted_step import MeasuredPoints

__all__ = [
    "CodeCountChoice",
    "CodebookSolver",
    "KMeansResult",
    "KMeansSolver",
    "KMedoidsResult",
    "MatrixSolver",
    "MeasuredPoints",
    "MedoidSolver",
    "WeightedResult",
    "WeightedSolver",
    "alternate_kmedoids",
    "classical_pam",
    "code_count_rule",
    "codebook_solver",
    "graph_kmedoids",
    "kmedoids",
    "medoid_silhouette",
    "weighted_lloyd",
]
