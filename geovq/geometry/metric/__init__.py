"""The metric that a decoder pulls back: active directions, footprints, the metric of cells, and what it says."""
