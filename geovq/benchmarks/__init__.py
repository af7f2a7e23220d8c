"""Speed of this machine, ours against the usual way, always as ratios within one run."""
