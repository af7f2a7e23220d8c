"""Maps over the cells of a lattice: one value per position, as heat maps side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.colors
import plotly.graph_objects as go
from jaxtyping import Int, Num

from geovq.viz.arrays import Array
from geovq.viz.layout import side_by_side, square_cells
from geovq.viz.palette import DIVERGING, QUALITATIVE, SEQUENTIAL, ink_on

_SIDE, _BAR = 290, 110  # pixels of one map and of what stands beside it


def cell_maps_figure(
    maps: Mapping[str, Num[Array, "H W"]], *, unit: str, signed: bool = False, digits: int = 2
) -> go.Figure:
    """Heat maps of one quantity, side by side under one colour scale.

    Parameters
    ----------
    maps : mapping of str to ndarray of shape (H, W)
        Title of each map and its values.
    unit : str
        What the colours mean, unit included; the colour bar's title.
    signed : bool, default=False
        Diverging colours centred at zero instead of sequential ones.
    digits : int, default=2
        Decimals written into the cells and shown on hover.
    """
    low, high = _limits(maps, signed=signed)
    scale = DIVERGING if signed else SEQUENTIAL
    figure = side_by_side(list(maps), height=_SIDE + 60, horizontal_spacing=0.04)
    for column, values in enumerate(maps.values(), start=1):
        trace = go.Heatmap(
            z=np.asarray(values, dtype=np.float32),
            coloraxis="coloraxis",
            hovertemplate=f"row %{{y}}, column %{{x}}<br>%{{z:.{digits + 1}f}} {unit}<extra></extra>",
            xgap=1,
            ygap=1,
        )
        shares = np.clip((np.asarray(values, dtype=float) - low) / (high - low), 0, 1).ravel()
        fills = plotly.colors.sample_colorscale(scale, shares.tolist(), colortype="tuple")
        texts = [f"{value:.{digits}f}" for value in np.asarray(values).ravel()]
        figure.add_traces(
            [trace, _texts(texts, values.shape, [ink_on(fill) for fill in fills])], [1, 1], [column, column]
        )
    square_cells(figure, next(iter(maps.values())).shape, len(maps))
    bar = {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    return figure.update_layout(
        coloraxis={"colorscale": scale, "cmin": low, "cmax": high, "colorbar": bar}, width=_SIDE * len(maps) + _BAR
    )


def token_grids_figure(grids: Mapping[str, Int[Array, "H W"]], colours: Mapping[str, Sequence[int]]) -> go.Figure:
    """Token numbers of one image under several tokenizers.

    Parameters
    ----------
    grids : mapping of str to ndarray of shape (H, W)
        Title of each grid and its tokens.
    colours : mapping of str to sequence of int, one per code
        Index of each code into the qualitative colours, by the same titles.
    """
    figure = side_by_side(list(grids), height=_SIDE + 60, horizontal_spacing=0.04)
    for column, (title, tokens) in enumerate(grids.items(), start=1):
        trace = go.Heatmap(
            z=np.asarray(colours[title])[tokens],
            zmin=-0.5,
            zmax=len(QUALITATIVE) - 0.5,
            colorscale=_steps(QUALITATIVE),
            showscale=False,
            text=tokens,
            texttemplate="%{text}",
            textfont={"size": 12, "color": "white"},
            hovertemplate="row %{y}, column %{x}<br>code %{text}<extra></extra>",
            xgap=1,
            ygap=1,
        )
        figure.add_trace(trace, row=1, col=column)
    square_cells(figure, next(iter(grids.values())).shape, len(grids))
    return figure.update_layout(width=_SIDE * len(grids) + 60)


def _limits(maps: Mapping[str, Num[Array, "H W"]], *, signed: bool) -> tuple[float, float]:
    values = np.stack([np.asarray(part, dtype=float) for part in maps.values()])
    low, high = float(values.min()), float(values.max())
    if signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _texts(texts: Sequence[str], shape: tuple[int, ...], inks: Sequence[str]) -> go.Scatter:
    # Written as marks of their own: the numbers of a heat map take the page's text colour, which is no contrast.
    rows, columns = np.divmod(np.arange(len(texts)), shape[1])
    return go.Scatter(
        x=columns,
        y=rows,
        mode="text",
        text=list(texts),
        textfont={"size": 10, "color": list(inks)},
        hoverinfo="skip",
        showlegend=False,
    )


def _steps(colours: Sequence[str]) -> list[tuple[float, str]]:
    edges = np.linspace(0, 1, len(colours) + 1)
    return [(float(edge), colour) for i, colour in enumerate(colours) for edge in edges[i : i + 2]]
