"""The choice of active directions that a geometry's settings ask for."""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.chunks import available_device
from geovq.config import GeometryConfig
from geovq.errors import InvalidValueError, NonFiniteError
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.pixel_directions import pixel_directions
from geovq.geometry.metric.subspace import ActiveSubspace, active_subspace
from geovq.lattice import cells_of
from geovq.progress import Progress, SilentProgress


def choose_directions(
    lattices: Float[Tensor, "n d h w"],
    config: GeometryConfig,
    *,
    seed: int,
    decoder: Decode | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> ActiveSubspace:
    """Principal or pixel directions of lattices, as `config.directions` says.

    "auto" takes pixel directions where principal ones would be more than `config.max_active`, and notes it; where they
    cannot be found, because the decoder cannot be differentiated or is not at hand, it stays with the principal ones.

    Parameters
    ----------
    lattices : Tensor of shape (n, D, H, W)
        On the CPU.
    config : GeometryConfig
        `directions`, `residual_variance`, `max_active` and `output_geometry` are used.
    seed : int
    decoder : callable, optional
        As for `pixel_directions`, on `device`; needed for pixel directions.
    device : str or torch.device, default="cpu"
    progress : Progress, optional

    Raises
    ------
    ShapeError, NonFiniteError, InvalidValueError
        As `active_subspace` and, where they are asked for, `pixel_directions` do.
    """
    progress = progress or SilentProgress()

    def by_picture() -> ActiveSubspace:
        if decoder is None:
            raise InvalidValueError("pixel directions need the decoder")
        return pixel_directions(
            decoder,
            lattices.to(available_device(device)),
            residual_variance=config.residual_variance,
            max_active=config.max_active,
            output_geometry=config.output_geometry,
            seed=seed,
            progress=progress,
        )

    if config.directions == "pixel":
        return by_picture()
    principal = active_subspace(cells_of(lattices), config.residual_variance)
    if config.are_principal(principal.n_active):
        return principal
    many = f"Principal directions would be {principal.n_active}, more than geometry.max_active = {config.max_active}"
    try:
        chosen = by_picture()
    except (InvalidValueError, NonFiniteError) as error:
        progress.note(f"{many}; they are kept, since pixel directions cannot be found ({str(error).rstrip('.')}).")
        return principal
    progress.note(f"{many}, so the directions that move the picture most are taken.")
    return chosen
