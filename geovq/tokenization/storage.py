"""Reading tokenizers back, whatever their kind."""

from pathlib import Path

from geovq.artifacts import read_safetensors
from geovq.errors import ArtifactError
from geovq.geometry import ActiveSubspace
from geovq.tokenization.base import FORMAT, KIND, Tokenizer
from geovq.tokenization.landmark import LandmarkTokenizer
from geovq.tokenization.nearest_code import NearestCodeTokenizer

_REMEDY = "make it again with `python -m geovq discretize`"


def load_tokenizer(path: str | Path) -> Tokenizer:
    """Read a tokenizer that was written by its `save`.

    Raises
    ------
    ArtifactError
        If the file is missing, damaged, not a tokenizer, or of another format.
    """
    tensors, metadata = read_safetensors(path, KIND, FORMAT, remedy=_REMEDY)
    try:
        if metadata["encoding"] == NearestCodeTokenizer.ENCODING:
            return NearestCodeTokenizer(metadata["method"], **tensors)
        frame = {name.removeprefix("subspace."): tensors.pop(name) for name in list(tensors) if "." in name}
        return LandmarkTokenizer(
            method=metadata["method"],
            n_candidates=metadata["n_candidates"],
            subspace=ActiveSubspace(**frame),
            **tensors,
        )
    except (TypeError, KeyError) as error:
        raise ArtifactError(f"{path} lacks a part of a tokenizer ({error}); {_REMEDY}.") from error
