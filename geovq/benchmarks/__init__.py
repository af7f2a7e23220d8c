"""Benchmarks of this machine: geovq against the usual way of doing the same, as ratios measured in one run."""
