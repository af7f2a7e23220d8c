"""Curves between latent points: straight, along the graph, relaxed to geodesics; measured in images."""
