"""Cells of a lattice: the one in the centre, all of them in words, and what lies over each of them in the picture."""

from jaxtyping import Float

from geovq.runs import Run
from geovq.viz.arrays import Array

Cell = tuple[int, int]  # row and column


def centre_cell(run: Run) -> Cell:
    """The cell in the middle of a run's lattices."""
    _, height, width = run.lattice_shape
    return height // 2, width // 2


def size_words(values: Array) -> str:
    """Rows by columns of a map or of a grid of cells, for a sentence."""
    rows, columns = values.shape[-2:]
    return f"{rows} by {columns}"


def cell_sums(image: Float[Array, "height width"], shape: tuple[int, ...]) -> Float[Array, "H W"]:
    """Sum over the pixels of each cell of a lattice of `shape`, whose cells divide the image evenly."""
    rows, columns = shape
    height, width = image.shape
    sums: Array = image.reshape(rows, height // rows, columns, width // columns).sum(axis=(1, 3))
    return sums
