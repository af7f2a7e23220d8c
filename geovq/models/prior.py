"""Autoregressive Transformer over the tokens of a lattice in raster order.

p(tokens) = prod_i p(token_i | tokens_<i). Input i is the token before position i (the start token at i = 0) plus the
row and the column of position i itself: the model is told where on the lattice the token that it predicts will stand.

Sources: Vaswani et al. (2017), "Attention Is All You Need"; Radford et al. (2019), "Language Models are Unsupervised
Multitask Learners" (pre-norm blocks, initialisation); layout after nanoGPT.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from geovq.config import LATTICE_SIZE, PriorConfig
from geovq.errors import InvalidValueError, ShapeError


class LatticePrior(nn.Module):
    """Causal Transformer that predicts each token of a lattice from the tokens before it.

    Parameters
    ----------
    config : PriorConfig
        Depth, heads, channels and dropout.
    n_codes : int
        Codes K of the tokenizer. The start token is `n_codes`.
    height, width : int, default=7
        Cells of a lattice; sequences have L = height * width tokens.
    """

    def __init__(
        self, config: PriorConfig, n_codes: int, height: int = LATTICE_SIZE, width: int = LATTICE_SIZE
    ) -> None:
        if min(n_codes, height, width) < 1:
            raise InvalidValueError(
                f"LatticePrior needs n_codes, height and width of at least 1; got {n_codes}, {height} and {width}."
            )
        super().__init__()
        self.config = config
        self.n_codes = n_codes
        self.height = height
        self.width = width
        self.token_embedding = nn.Embedding(n_codes + 1, config.width)  # the last row is the start token's
        self.row_embedding = nn.Embedding(height, config.width)
        self.column_embedding = nn.Embedding(width, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, n_codes, bias=False)
        self._initialise()

    @property
    def start_token(self) -> int:
        """Token that stands before the first one; never predicted."""
        return self.n_codes

    @property
    def n_positions(self) -> int:
        """Sequence length L."""
        return self.height * self.width

    def forward(self, tokens: Int64[Tensor, "B L"]) -> Float[Tensor, "B L K"]:
        """Logits of every token given those before it, in one pass.

        Parameters
        ----------
        tokens : Tensor of shape (B, L)
            Tokens in raster order, in [0, n_codes).

        Returns
        -------
        Tensor of shape (B, L, K)
            `logits[:, i]` depends on `tokens[:, :i]` only.

        Raises
        ------
        ShapeError
            If a sequence does not have height * width tokens.
        InvalidValueError
            If tokens are not int64 or out of range.
        """
        if tokens.ndim != 2 or tokens.shape[1] != self.n_positions:
            raise ShapeError(
                f"The prior reads tokens of shape (B, {self.n_positions}), the {self.height} by {self.width} cells in "
                f"raster order; got {tuple(tokens.shape)}."
            )
        self.require_tokens(tokens)
        previous = F.pad(tokens[:, :-1], (1, 0), value=self.start_token)  # (B, L)
        x = self._embed(previous, torch.arange(self.n_positions, device=tokens.device))
        for block in self.blocks:
            x = block(x)  # (B, L, width)
        logits: Tensor = self.head(self.norm(x))
        return logits

    def new_cache(self, batch_size: int) -> "Cache":
        """Empty memory for `step`, on the model's device."""
        weight = self.head.weight
        head_width = self.config.width // self.config.n_heads
        shape = (self.config.n_layers, 2, batch_size, self.config.n_heads, self.n_positions, head_width)
        return Cache(torch.zeros(shape, device=weight.device, dtype=weight.dtype))

    @torch.no_grad()  # a cache that kept the graph of 49 steps would outgrow the model
    def step(self, previous_tokens: Int64[Tensor, " B"], position: int, cache: "Cache") -> Float[Tensor, "B K"]:
        """Logits of one position, given the token before it and the cache of all earlier steps.

        The same numbers as `forward` gives at that position, for the work of one position instead of L.

        Parameters
        ----------
        previous_tokens : Tensor of shape (B,)
            Tokens at `position - 1`; at position 0 the start token.
        position : int
            Raster index of the tokens to predict. Positions are visited in order; going back and on from there is fine.
        cache : Cache
            From `new_cache(B)`; updated in place.

        Raises
        ------
        ShapeError
            If `previous_tokens` does not have the batch size of the cache.
        InvalidValueError
            If positions were skipped, or tokens are not int64 or out of range.
        """
        if previous_tokens.shape != (cache.batch_size,):
            raise ShapeError(
                f"step needs one previous token per row of the cache, shape ({cache.batch_size},); "
                f"got {tuple(previous_tokens.shape)}."
            )
        if not 0 <= position <= min(cache.n_filled, self.n_positions - 1):
            raise InvalidValueError(
                f"step must visit positions 0 to {self.n_positions - 1} in order; got position {position} "
                f"with {cache.n_filled} in the cache."
            )
        if position > 0:
            self.require_tokens(previous_tokens)
        elif bool((previous_tokens != self.start_token).any()):
            raise InvalidValueError(f"Before position 0 stands the start token, {self.start_token}; got another token.")
        x = self._embed(previous_tokens[:, None], torch.tensor([position], device=previous_tokens.device))
        for block, memory in zip(self.blocks, cache.layers(position), strict=True):
            x = block(x, memory)  # (B, 1, width)
        cache.n_filled = position + 1
        logits: Tensor = self.head(self.norm(x))[:, 0]
        return logits

    def require_tokens(self, tokens: Tensor) -> None:
        """Raise `InvalidValueError` unless all tokens are int64 in [0, n_codes)."""
        if tokens.dtype != torch.int64:
            raise InvalidValueError(f"Tokens must be int64; got {str(tokens.dtype).removeprefix('torch.')}.")
        if tokens.numel():
            low, high = (int(end) for end in torch.aminmax(tokens))
            if low < 0 or high >= self.n_codes:
                raise InvalidValueError(
                    f"Tokens must be in [0, {self.n_codes}), the codes of this prior; got values from {low} to {high}. "
                    "Use the tokens of the tokenizer that it was trained on."
                )

    def _embed(self, previous_tokens: Tensor, positions: Tensor) -> Tensor:
        rows, columns = positions // self.width, positions % self.width
        where = self.row_embedding(rows) + self.column_embedding(columns)  # (L, width)
        embedded: Tensor = self.dropout(self.token_embedding(previous_tokens) + where)
        return embedded  # (B, L, width)

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        # Each block adds twice to the residual stream; the scale keeps its variance independent of the depth (GPT-2).
        for name, weight in self.named_parameters():
            if name.endswith("to_residual.weight"):
                nn.init.normal_(weight, std=0.02 / (2 * self.config.n_layers) ** 0.5)


class Cache:
    """Keys and values of the positions read so far, for every block.

    Parameters
    ----------
    entries : Tensor of shape (n_layers, 2, B, n_heads, L, head_width)
        Room for the whole sequence; along the second axis keys, then values.
    """

    def __init__(self, entries: Tensor) -> None:
        self.entries = entries
        self.n_filled = 0

    @property
    def batch_size(self) -> int:
        """Sequences that are read at once."""
        return self.entries.shape[2]

    def layers(self, position: int) -> list["_LayerMemory"]:
        """Each block's part, ready to take in `position`."""
        return [_LayerMemory(keys, values, position) for keys, values in self.entries]


@dataclass(frozen=True)
class _LayerMemory:
    keys: Tensor  # (B, n_heads, L, head_width)
    values: Tensor
    position: int

    def take_in(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store one position; everything up to and including it."""
        self.keys[:, :, self.position] = key[:, :, 0]
        self.values[:, :, self.position] = value[:, :, 0]
        n_seen = self.position + 1
        return self.keys[:, :, :n_seen], self.values[:, :, :n_seen]


class _Block(nn.Module):
    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(config.width)
        self.attention = _CausalAttention(config)
        self.norm_feedforward = nn.LayerNorm(config.width)
        self.feedforward = _Feedforward(config)

    def forward(self, x: Tensor, memory: _LayerMemory | None = None) -> Tensor:
        attended = x + self.attention(self.norm_attention(x), memory)
        output: Tensor = attended + self.feedforward(self.norm_feedforward(attended))
        return output


class _CausalAttention(nn.Module):
    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.dropout = config.dropout
        self.to_queries_keys_values = nn.Linear(config.width, 3 * config.width)
        self.to_residual = nn.Linear(config.width, config.width)
        self.dropout_residual = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, memory: _LayerMemory | None = None) -> Tensor:
        parts = self.to_queries_keys_values(x).unflatten(-1, (3, self.n_heads, -1))  # (B, L, 3, n_heads, head_width)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (B, n_heads, L, head_width) each
        if memory is not None:
            key, value = memory.take_in(key, value)
        attended = F.scaled_dot_product_attention(
            query,
            key,
            value,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=memory is None,  # a remembered past needs no mask: the one query is the last position
        )
        merged = attended.transpose(1, 2).flatten(start_dim=2)  # (B, L, width)
        output: Tensor = self.dropout_residual(self.to_residual(merged))
        return output


class _Feedforward(nn.Sequential):
    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.expand = nn.Linear(config.width, 4 * config.width)
        self.activation = nn.GELU()
        self.to_residual = nn.Linear(4 * config.width, config.width)
        self.dropout_residual = nn.Dropout(config.dropout)
