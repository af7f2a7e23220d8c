"""How clouds of points are drawn."""

from typing import TypeAlias

import plotly.graph_objects as go

# Marks up to which SVG answers sooner than WebGL, which takes a third of a second to start for every figure where the
# browser computes it without a graphics card (3,000 marks: 0.1 s as SVG, 10,000 as much as WebGL).
_MOST_MARKS = 6_000

CloudType: TypeAlias = type[go.Scatter] | type[go.Scattergl]


def cloud_type(n_marks: int) -> CloudType:
    """Trace for all clouds of a figure with so many marks: of one type, so that later traces lie on top."""
    kind: CloudType = go.Scatter if n_marks <= _MOST_MARKS else go.Scattergl
    return kind
