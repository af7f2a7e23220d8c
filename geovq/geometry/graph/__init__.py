"""Nearest neighbours, the graph that they make of landmarks, and shortest paths over it."""
