"""Tokenizers: lattices to tokens and back."""

from geovq.tokenization.base import Tokenizer
from geovq.tokenization.discretize import discretize, fit_tokenizer
from geovq.tokenization.landmark import LandmarkTokenizer
from geovq.tokenization.nearest_code import NearestCodeTokenizer
from geovq.tokenization.storage import load_tokenizer

__all__ = ["LandmarkTokenizer", "NearestCodeTokenizer", "Tokenizer", "discretize", "fit_tokenizer", "load_tokenizer"]
