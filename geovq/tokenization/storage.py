"""Reading tokenizers back, whatever their kind."""

from pathlib import Path

from geovq.artifacts import read_safetensors
from geovq.catalogue.references import named_object
from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.errors import ArtifactError, InvalidValueError, ShapeError
from geovq.tokenization.base import FORMAT, KIND, StoredTokenizer, Tokenizer

_REMEDY = "make it again with `python -m geovq discretize`"


def load_tokenizer(path: str | Path) -> Tokenizer:
    """Read a tokenizer that was written by its `save`.

    Raises
    ------
    ArtifactError
        If the file is missing, damaged, not a tokenizer, or of another format.
    """
    tensors, metadata = read_safetensors(path, KIND, FORMAT, remedy=_REMEDY)
    classes = _stored_classes()
    try:
        encoding = metadata["encoding"]
        if encoding not in classes:
            known = ", ".join(classes)
            raise ArtifactError(f"{path} holds a tokenizer that encodes by {encoding!r}; known are {known}; {_REMEDY}.")
        return classes[encoding].from_file(tensors, metadata)
    except (TypeError, KeyError) as error:
        raise ArtifactError(f"{path} lacks a part of a tokenizer ({error}); {_REMEDY}.") from error
    except (ShapeError, InvalidValueError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); {_REMEDY}.") from error


def _stored_classes() -> dict[str, type[StoredTokenizer]]:
    """Classes of tokenizers by what their files name them by."""
    classes = [named_object(known.stored_as) for known in TOKENIZERS.values()]
    return {stored.ENCODING: stored for stored in classes}
