"""Runs as documents to be given away: one HTML page, or a notebook that repeats a run."""
