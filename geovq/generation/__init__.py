"""Drawing lattices of tokens from a prior: from nothing, from a beginning, from a class."""

from geovq.generation.classes import class_posterior
from geovq.generation.completion import complete_tokens
from geovq.generation.filtering import filter_logits
from geovq.generation.sampling import SampledStep, sample_steps, sample_tokens

__all__ = ["SampledStep", "class_posterior", "complete_tokens", "filter_logits", "sample_steps", "sample_tokens"]
