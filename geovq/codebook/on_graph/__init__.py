"""k-medoids on a landmark graph without a matrix of distances."""
