"""Pre-norm Transformer blocks with causal attention, and the cache that lets them read one position at a time.

Sources: Vaswani et al. (2017), "Attention Is All You Need"; Radford et al. (2019), "Language Models are Unsupervised
Multitask Learners" (pre-norm blocks); layout after nanoGPT.
"""

from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from geovq.config import PriorConfig


class Cache:
    """Keys and values of the positions read so far, for every block.

    Parameters
    ----------
    entries : Tensor of shape (n_layers, 2, B, n_heads, L, head_width)
        Room for the whole sequence; along the second axis keys, then values.
    labels : Tensor of shape (B,), optional
        Class of each sequence, the same at all its positions.
    """

    def __init__(
        self, entries: Float[Tensor, "layers 2 B heads L channels"], labels: Int64[Tensor, " B"] | None = None
    ) -> None:
        self.entries = entries
        self.labels = labels
        self.n_filled = 0

    @property
    def batch_size(self) -> int:
        """Sequences that are read at once."""
        return self.entries.shape[2]

    def layers(self, position: int) -> list["LayerMemory"]:
        """Each block's part, ready to take in `position`."""
        return [LayerMemory(keys, values, position) for keys, values in self.entries]


@dataclass(frozen=True)
class LayerMemory:
    """One block's keys and values, each (B, n_heads, L, head_width), and the position that it reads next."""

    keys: Tensor
    values: Tensor
    position: int

    def take_in(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store one position; everything up to and including it."""
        self.keys[:, :, self.position] = key[:, :, 0]
        self.values[:, :, self.position] = value[:, :, 0]
        n_seen = self.position + 1
        return self.keys[:, :, :n_seen], self.values[:, :, :n_seen]


class Block(nn.Module):
    """Attention and feed-forward, each added to the residual stream.

    Parameters
    ----------
    config : PriorConfig
        Heads, width and dropout.
    """

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(config.width)
        self.attention = _CausalAttention(config)
        self.norm_feedforward = nn.LayerNorm(config.width)
        self.feedforward = _Feedforward(config)

    def forward(
        self, x: Float[Tensor, "B L channels"], memory: LayerMemory | None = None
    ) -> Float[Tensor, "B L channels"]:
        """All positions at once, or, with a memory, the one position (L = 1) that follows what it holds."""
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

    def forward(self, x: Tensor, memory: LayerMemory | None = None) -> Tensor:
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
