"""Tokenizers: lattices to tokens and back."""

from geovq.tokenization.base import Tokenizer
from geovq.tokenization.discretize import discretize, fit_tokenizer
from geovq.tokenization.landmark import LandmarkTokenizer
from geovq.tokenization.nearest_code import NearestCodeTokenizer
from geovq.tokenization.search import JointTokens, encode_jointly, search_jointly
from geovq.tokenization.storage import load_tokenizer

__all__ = [
    "JointTokens",
    "LandmarkTokenizer",
    "NearestCodeTokenizer",
    "Tokenizer",
    "discretize",
    "encode_jointly",
    "fit_tokenizer",
    "load_tokenizer",
    "search_jointly",
]
