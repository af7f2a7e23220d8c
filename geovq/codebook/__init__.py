"""Codebooks from distances: k-medoids by FasterPAM."""

from geovq.codebook.kmedoids import KMedoidsResult, kmedoids

__all__ = ["KMedoidsResult", "kmedoids"]
