"""The directions in which the codes of a tokenizer differ."""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.geometry import ActiveSubspace, active_subspace
from geovq.tokenization.base import Tokenizer

_RESIDUAL_VARIANCE = 0.002  # of the codes; a step between two codes is a product of the decoder for each direction kept


def search_basis(tokenizer: Tokenizer) -> tuple[Float[Tensor, "d a"], Float[Tensor, "d a"]]:
    """Orthonormal basis along which the search differentiates the decoder, (D, A), and what projects latents to it.

    The active subspace where the tokenizer has one; otherwise the principal directions of its codes, which leave out
    0.2 % of their variance at most. A codebook of one code has no direction, and any will do.
    """
    subspace = getattr(tokenizer, "subspace", None)
    if isinstance(subspace, ActiveSubspace):
        return subspace.basis, subspace.projection
    codes = tokenizer.codebook
    if bool((codes == codes[:1]).all()):
        basis = torch.eye(codes.shape[1], 1)
    else:
        basis = active_subspace(codes, _RESIDUAL_VARIANCE).basis
    return basis, basis
