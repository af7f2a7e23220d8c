"""Drawing new lattices of tokens from a prior."""

from geovq.generation.sampling import filter_logits, sample_tokens

__all__ = ["filter_logits", "sample_tokens"]
