"""Autoregressive Transformer over the tokens of a lattice in raster order.

p(tokens) = prod_i p(token_i | tokens_<i). Input i is the token before position i (the start token at i = 0) plus the
row and the column of position i itself: the model is told where on the lattice the token that it predicts will stand.
A prior over the lattices of each class, p(tokens | label), adds an embedding of the label to every input.

Sources: Vaswani et al. (2017), "Attention Is All You Need"; Radford et al. (2019), "Language Models are Unsupervised
Multitask Learners" (initialisation); Parmar et al. (2018), "Image Transformer" (class embedding at every position).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from geovq.config import PriorConfig
from geovq.errors import InvalidValueError, ShapeError
from geovq.models.attention import Block, Cache


class LatticePrior(nn.Module):
    """Causal Transformer that predicts each token of a lattice from the tokens before it.

    Parameters
    ----------
    config : PriorConfig
        Depth, heads, channels and dropout.
    n_codes : int
        Codes K of the tokenizer. The start token is `n_codes`.
    height, width : int
        Cells of a lattice; sequences have L = height * width tokens.
    class_counts : sequence of int, optional
        Training examples of each class: given if and only if `config.class_conditional`. They say how many classes
        there are, and how often each one is drawn where nobody chooses.

    Raises
    ------
    InvalidValueError
        If a size is below 1, or the class counts do not fit the config or count nothing.
    """

    def __init__(
        self,
        config: PriorConfig,
        n_codes: int,
        height: int,
        width: int,
        *,
        class_counts: Sequence[int] | None = None,
    ) -> None:
        if min(n_codes, height, width) < 1:
            raise InvalidValueError(
                f"LatticePrior needs n_codes, height and width of at least 1; got {n_codes}, {height} and {width}."
            )
        _require_class_counts(config, class_counts)
        super().__init__()
        self.config = config
        self.n_codes = n_codes
        self.height = height
        self.width = width
        self.class_counts = None if class_counts is None else tuple(class_counts)
        self.token_embedding = nn.Embedding(n_codes + 1, config.width)  # the last row is the start token's
        self.row_embedding = nn.Embedding(height, config.width)
        self.column_embedding = nn.Embedding(width, config.width)
        self.class_embedding = nn.Embedding(self.n_classes, config.width) if self.n_classes else None
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
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

    @property
    def n_classes(self) -> int:
        """Classes whose lattices it tells apart; 0 if it takes no labels."""
        return len(self.class_counts or ())

    def forward(
        self, tokens: Int64[Tensor, "B L"], labels: Int64[Tensor, " B"] | None = None
    ) -> Float[Tensor, "B L K"]:
        """Logits of every token given those before it, in one pass.

        Parameters
        ----------
        tokens : Tensor of shape (B, L)
            Tokens in raster order, in [0, n_codes).
        labels : Tensor of shape (B,), optional
            Class of each sequence, in [0, n_classes): given if and only if the prior is class-conditional.

        Returns
        -------
        Tensor of shape (B, L, K)
            `logits[:, i]` depends on `tokens[:, :i]` only.

        Raises
        ------
        ShapeError
            If a sequence does not have height * width tokens, or there is not one label per sequence.
        InvalidValueError
            If tokens or labels are not int64 or out of range, or labels are missing or not asked for.
        """
        if tokens.ndim != 2 or tokens.shape[1] != self.n_positions:
            raise ShapeError(
                f"The prior reads tokens of shape (B, {self.n_positions}), the {self.height} by {self.width} cells in "
                f"raster order; got {tuple(tokens.shape)}."
            )
        self.require_tokens(tokens)
        self.require_labels(labels, len(tokens))
        previous = F.pad(tokens[:, :-1], (1, 0), value=self.start_token)  # (B, L)
        x = self._embed(previous, torch.arange(self.n_positions, device=tokens.device), labels)
        for block in self.blocks:
            x = block(x)  # (B, L, width)
        logits: Tensor = self.head(self.norm(x))
        return logits

    def new_cache(self, batch_size: int, labels: Int64[Tensor, " B"] | None = None) -> Cache:
        """Empty memory for `step`, on the model's device; `labels` as in `forward`."""
        self.require_labels(labels, batch_size)
        weight = self.head.weight
        head_width = self.config.width // self.config.n_heads
        shape = (self.config.n_layers, 2, batch_size, self.config.n_heads, self.n_positions, head_width)
        entries = torch.zeros(shape, device=weight.device, dtype=weight.dtype)
        return Cache(entries, None if labels is None else labels.to(weight.device))

    @torch.no_grad()  # a cache that kept the graph of every step would outgrow the model
    def step(self, previous_tokens: Int64[Tensor, " B"], position: int, cache: Cache) -> Float[Tensor, "B K"]:
        """Logits of one position, given the token before it and the cache of all earlier steps.

        The same numbers as `forward` gives at that position, for the work of one position instead of L.

        Parameters
        ----------
        previous_tokens : Tensor of shape (B,)
            Tokens at `position - 1`; at position 0 the start token.
        position : int
            Raster index of the tokens to predict. Positions are visited in order; going back and on from there is fine.
        cache : Cache
            From `new_cache(B, labels)`; updated in place.

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
        where = torch.tensor([position], device=previous_tokens.device)
        x = self._embed(previous_tokens[:, None], where, cache.labels)
        for block, memory in zip(self.blocks, cache.layers(position), strict=True):
            x = block(x, memory)  # (B, 1, width)
        cache.n_filled = position + 1
        logits: Tensor = self.head(self.norm(x))[:, 0]
        return logits

    def require_tokens(self, tokens: Tensor) -> None:
        """Raise `InvalidValueError` unless all tokens are int64 in [0, n_codes)."""
        remedy = "Use the tokens of the tokenizer that it was trained on."
        _require_range("Tokens", tokens, self.n_codes, "the codes of this prior", remedy)

    def require_labels(self, labels: Tensor | None, batch_size: int) -> None:
        """Raise unless there is a known class for each sequence, or none at all where the prior takes no labels."""
        if labels is None:
            if self.n_classes:
                raise InvalidValueError(
                    f"This prior learned one distribution for each of {self.n_classes} classes, so it needs the "
                    "label of every sequence; got none."
                )
            return
        if not self.n_classes:
            raise InvalidValueError(
                "This prior was trained without classes, so it takes no labels; leave them out, or train it with "
                "prior.class_conditional = true."
            )
        if labels.shape != (batch_size,):
            raise ShapeError(
                f"The prior needs one label per sequence, shape ({batch_size},); got {tuple(labels.shape)}."
            )
        _require_range("Labels", labels, self.n_classes, "the classes of this prior")

    def _embed(self, previous_tokens: Tensor, positions: Tensor, labels: Tensor | None) -> Tensor:
        rows, columns = positions // self.width, positions % self.width
        where = self.row_embedding(rows) + self.column_embedding(columns)  # (L, width)
        inputs = self.token_embedding(previous_tokens) + where  # (B, L, width)
        if self.class_embedding is not None:
            inputs = inputs + self.class_embedding(labels)[:, None]
        embedded: Tensor = self.dropout(inputs)
        return embedded

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


def _require_range(what: str, values: Tensor, n: int, meaning: str, remedy: str = "") -> None:
    if values.dtype != torch.int64:
        raise InvalidValueError(f"{what} must be int64; got {str(values.dtype).removeprefix('torch.')}.")
    if values.numel():
        low, high = (int(end) for end in torch.aminmax(values))
        if low < 0 or high >= n:
            raise InvalidValueError(
                f"{what} must be in [0, {n}), {meaning}; got values from {low} to {high}. {remedy}".rstrip()
            )


def _require_class_counts(config: PriorConfig, class_counts: Sequence[int] | None) -> None:
    if config.class_conditional != (class_counts is not None):
        raise InvalidValueError(
            f"LatticePrior takes class_counts if and only if config.class_conditional, which is "
            f"{config.class_conditional}; got {class_counts}."
        )
    if class_counts is not None and (min(class_counts, default=0) < 0 or sum(class_counts) < 1):
        raise InvalidValueError(
            f"class_counts must be the training examples of each class, at least one in all; got {list(class_counts)}."
        )
