"""Reading a run: everything by name, loaded when it is asked for, and checked against the manifest before that."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Int, UInt8
from torch import nn

from geovq.artifacts import file_digest, read_json
from geovq.catalogue.datasets import ImageShape, Split
from geovq.catalogue.output_geometries import OUTPUT_GEOMETRIES, OutputGeometry
from geovq.catalogue.tokenizers import END_TO_END
from geovq.config import ExperimentConfig, load_config
from geovq.errors import ArtifactError
from geovq.geometry import LatentGeometry, load_geometry
from geovq.models import LatticeDecoder, LatticePrior, load_model
from geovq.progress import Scalar
from geovq.runs import layout
from geovq.runs.manifest import Manifest, new_manifest, read_manifest
from geovq.runs.metrics import read_metrics, without_repetitions
from geovq.runs.parts import ByName, Loaded, MissingPartError
from geovq.runs.stages.workspace import Autoencoder, autoencoder_of
from geovq.tokenization import Tokenizer, load_tokenizer


class Samples(NamedTuple):
    """Images that a prior drew when the run was made.

    Attributes
    ----------
    tokens : array of shape (n, H, W)
    images : array of shape (n, h, w)
        Grey values from 0 to 255.
    """

    tokens: Int[npt.NDArray[np.int64], "n h w"]
    images: UInt8[npt.NDArray[np.uint8], "n height width"]


@dataclass(frozen=True, eq=False)
class Run:
    """One experiment on disk, as `open_run` found it.

    Attributes
    ----------
    path : Path
    config : ExperimentConfig
    manifest : Manifest
        Files that no finished stage lists are not shown.
    """

    path: Path
    config: ExperimentConfig
    manifest: Manifest

    @property
    def id(self) -> str:
        """ "dataset/name"."""
        return f"{self.config.data.dataset}/{self.config.name}"

    @property
    def seed(self) -> int:
        """Root seed of the experiment."""
        return self.config.seed

    @property
    def image_shape(self) -> ImageShape:
        """Channels, rows and columns (C, h, w) of the images that the run is about."""
        return self.config.data.description.image_shape

    @property
    def lattice_shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns (D, H, W) of the VAE's lattices."""
        return self.config.vae.latent_channels, *self.config.data.description.lattice_size

    @property
    def fingerprint(self) -> str:
        """Changes when any finished part of the run changes."""
        digests = {file: digest for stage in self.manifest.stages.values() for file, digest in stage.files.items()}
        return hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest()[:16]

    @functools.cached_property
    def models(self) -> Mapping[str, nn.Module]:
        """Autoencoders "vae" and those trained end to end, by tokenizer, in eval mode on the CPU."""
        return self._by_name("model", ("vae", *END_TO_END), layout.model_file, load_model)

    @functools.cached_property
    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """Tokenizers by method."""
        return self._by_name("tokenizer", self.config.tokenizers, layout.tokenizer_file, load_tokenizer)

    @functools.cached_property
    def decoders(self) -> Mapping[str, LatticeDecoder]:
        """Copies of the decoder that were refitted to the codes of a tokenizer, by its method; in eval mode on the CPU.

        Tokens and lattices are those of the autoencoder, whose own decoder stays in `models`.
        """
        return self._by_name("refitted decoder", self.config.refits, layout.decoder_file, _load_decoder)

    @functools.cached_property
    def priors(self) -> Mapping[str, LatticePrior]:
        """Priors by the method of their tokenizer, in eval mode on the CPU."""
        return self._by_name("prior", self.config.priors, layout.prior_file, _load_prior)

    @functools.cached_property
    def measurements(self) -> Mapping[str, dict[str, Any]]:
        """Held-out measurements of "vae" and of every tokenizer."""
        names = ("vae", *self.config.tokenizers)
        return self._by_name("measurement", names, layout.evaluation_file, read_json)

    @property
    def output_geometry(self) -> OutputGeometry:
        """Geometry of image space that its metric is pulled back from; it names the unit of all its lengths."""
        return OUTPUT_GEOMETRIES[self.config.geometry.output_geometry]

    def autoencoder(self, tokenizer: str) -> Autoencoder:
        """The autoencoder whose lattices a tokenizer reads."""
        return self.models[autoencoder_of(tokenizer)]  # type: ignore[return-value]

    def geometry(self) -> LatentGeometry:
        """Landmarks, neighbour graph and metric field."""
        return load_geometry(self._checked(layout.GEOMETRY_FILE))

    def tokens(self, tokenizer: str, split: Split) -> Int[npt.NDArray[np.int64], "n h w"]:
        """Tokens of the training or test images, in the order of `geovq.runs.experiment_images`."""
        file = layout.tokens_file(tokenizer)
        with np.load(self._checked(file), allow_pickle=False) as arrays:
            if split not in arrays:
                raise MissingPartError(
                    f"{self.path / file} has tokens of the {', '.join(arrays)} images only, as shipped runs have; "
                    f"encode the {split} images with the tokenizer."
                )
            return np.asarray(arrays[split], dtype=np.int64)

    def samples(self, tokenizer: str) -> Samples:
        """What the tokenizer's prior drew when the run was made."""
        with np.load(self._checked(layout.samples_file(tokenizer)), allow_pickle=False) as arrays:
            return Samples(arrays["tokens"].astype(np.int64), arrays["images"])

    def metrics(self, stage: str | None = None) -> list[dict[str, Scalar]]:
        """Rows measured while training, in order; of one stage ("vae", "prior:riemannian") or of all.

        Where training was interrupted and resumed, each step that it repeated has one row, the later one.
        """
        rows = without_repetitions(read_metrics(self.path))
        return [row for row in rows if stage is None or row.get("stage") == stage]

    def has(self, file: str) -> bool:
        """Whether a finished stage wrote a file."""
        return self.manifest.digest_of(file) is not None

    def verify(self) -> None:
        """Check every finished file; `ArtifactError` names the first that is missing or damaged, and the remedy."""
        for stage in self.manifest.stages.values():
            for file in stage.files:
                self._checked(file)

    def _by_name(
        self, what: str, names: tuple[str, ...], file_of: Callable[[str], str], load: Callable[[Path], Loaded]
    ) -> ByName[Loaded]:
        there = tuple(name for name in names if self.has(file_of(name)))
        remedy = f"`{layout.command(self.path)}` makes those that its settings list"
        return ByName(there, lambda name: load(self._checked(file_of(name))), what, self.id, remedy)

    def _checked(self, file: str) -> Path:
        """Path of a file that is there and unchanged since it was made."""
        path, digest = self.path / file, self.manifest.digest_of(file)
        if digest is None:
            raise MissingPartError(f"{self.id} has no {file} yet; `{layout.command(self.path)}` makes it.")
        if not path.exists():
            raise ArtifactError(f"{path} is missing; {layout.remedy(self.path, file)}.")
        if file_digest(path) != digest:
            raise ArtifactError(
                f"{path} is damaged (its content is not what was written); {layout.remedy(self.path, file)}."
            )
        return path


def open_run(path: str | Path) -> Run:
    """Open a run; nothing large is read yet.

    Parameters
    ----------
    path : path
        Folder of the run, such as `checkpoints/demo` or `outputs/mnist/first`.

    Raises
    ------
    ArtifactError
        If there is no run, or its manifest is damaged or of another format.
    ConfigError
        If its configuration is not valid.
    """
    path = Path(path).resolve()
    file = path / layout.CONFIG_FILE
    if not file.is_file():
        raise ArtifactError(
            f"{path} holds no run (it has no {layout.CONFIG_FILE}); `python -m geovq runs` lists the runs there are."
        )
    config = load_config(file)
    return Run(path, config, read_manifest(path) or new_manifest(config.seed))


def _load_decoder(path: Path) -> LatticeDecoder:
    model = load_model(path)
    assert isinstance(model, LatticeDecoder)
    return model


def _load_prior(path: Path) -> LatticePrior:
    model = load_model(path)
    assert isinstance(model, LatticePrior)
    return model
