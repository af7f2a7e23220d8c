"""The data sets that geovq knows, each described once: its shape, classes, sizes, licence, and where its images are.

A data set in a format that geovq reads already is one more entry of `DATASETS`. A new format is one more subclass of
`DatasetDescription`, with a reader beside the others in `geovq.data.load`.

Sources: LeCun, Cortes, Burges (1998), "The MNIST database of handwritten digits"; Xiao, Rasul, Vollgraf (2017),
"Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", arXiv:1708.07747.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Split = Literal["train", "test"]


class ImageShape(NamedTuple):
    """Channels C, height h and width w of one image; both sides in pixels."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True, kw_only=True, eq=False)
class DatasetDescription:
    """What geovq knows of one data set before it reads an image.

    Attributes
    ----------
    name : str
        As in the configuration.
    image_shape : ImageShape
        Of every image.
    n_halvings : int
        How often an autoencoder of these images halves height and width, down to the cells of a lattice.
    class_names : tuple of str
        Names for people; a label is an index into them.
    n_images : mapping of str to int
        Images of each official split.
    licence : str
        Of the images, by its SPDX name.
    """

    name: str
    image_shape: ImageShape
    n_halvings: int
    class_names: tuple[str, ...]
    n_images: Mapping[Split, int]
    licence: str

    @property
    def full_name(self) -> str:
        """Name of the data set that this is a sample of; its own if it is no sample."""
        return self.name

    @property
    def lattice_size(self) -> tuple[int, int]:
        """Cells of a lattice, (H, W)."""
        return self.image_shape.height >> self.n_halvings, self.image_shape.width >> self.n_halvings

    @property
    def n_cells(self) -> int:
        """Cells of one lattice, H * W."""
        height, width = self.lattice_size
        return height * width


@dataclass(frozen=True)
class IdxFile:
    """One unpacked file in the IDX format: its name, and what proves that it is the one of the original release."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class IdxSplit:
    """The two files of one official split."""

    images: IdxFile
    labels: IdxFile


@dataclass(frozen=True, kw_only=True, eq=False)
class IdxDataset(DatasetDescription):
    """A data set that torchvision downloads as IDX files.

    Attributes
    ----------
    torchvision_name : str
        Its class in `torchvision.datasets`, which is also its folder on disk.
    files : mapping of str to IdxSplit
        The files of each split.
    """

    torchvision_name: str
    files: Mapping[Split, IdxSplit]


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleDataset(DatasetDescription):
    """A part of another data set that ships with geovq, in the archives of `assets/data`.

    Attributes
    ----------
    drawn_from : str
        Name of that data set.
    """

    drawn_from: str

    @property
    def full_name(self) -> str:
        """Name of the data set that this is a sample of."""
        return self.drawn_from


def _like_mnist(
    name: str,
    torchvision_name: str,
    class_names: tuple[str, ...],
    licence: str,
    *,
    train_sha256: tuple[str, str],
    test_sha256: tuple[str, str],
) -> IdxDataset:
    """A data set with the shape, the sizes and the file names of MNIST; digests of the images, then of the labels."""
    shape = ImageShape(1, 28, 28)
    n_images: dict[Split, int] = {"train": 60_000, "test": 10_000}

    def files(prefix: str, n: int, images_sha256: str, labels_sha256: str) -> IdxSplit:
        # An IDX file is 4 bytes of magic, 4 per axis, then one byte per value.
        return IdxSplit(
            IdxFile(f"{prefix}-images-idx3-ubyte", 16 + n * shape.height * shape.width, images_sha256),
            IdxFile(f"{prefix}-labels-idx1-ubyte", 8 + n, labels_sha256),
        )

    return IdxDataset(
        name=name,
        image_shape=shape,
        n_halvings=2,
        class_names=class_names,
        n_images=n_images,
        licence=licence,
        torchvision_name=torchvision_name,
        files={
            "train": files("train", n_images["train"], *train_sha256),
            "test": files("t10k", n_images["test"], *test_sha256),
        },
    )


def _sample_of(dataset: DatasetDescription, *, n_train: int, n_test: int) -> SampleDataset:
    return SampleDataset(
        name=f"{dataset.name}-sample",
        image_shape=dataset.image_shape,
        n_halvings=dataset.n_halvings,
        class_names=dataset.class_names,
        n_images={"train": n_train, "test": n_test},
        licence=dataset.licence,
        drawn_from=dataset.name,
    )


_MNIST = _like_mnist(
    "mnist",
    "MNIST",
    tuple("0123456789"),
    "CC-BY-SA-3.0",
    train_sha256=(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    test_sha256=(
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
_FASHION_MNIST = _like_mnist(
    "fashion_mnist",
    "FashionMNIST",
    ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    "MIT",
    train_sha256=(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    test_sha256=(
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)

# In the order in which they are offered.
DATASETS: dict[str, DatasetDescription] = {
    dataset.name: dataset
    for dataset in (
        _MNIST,
        _FASHION_MNIST,
        _sample_of(_MNIST, n_train=6_000, n_test=1_000),
        _sample_of(_FASHION_MNIST, n_train=6_000, n_test=1_000),
    )
}


def sample_of(name: str) -> SampleDataset | None:
    """The sample of a data set that ships with geovq; None if there is none."""
    samples = (dataset for dataset in DATASETS.values() if isinstance(dataset, SampleDataset))
    return next((sample for sample in samples if sample.drawn_from == name), None)


def most_images(split: Split) -> int:
    """Images of the largest data set in a split."""
    return max(dataset.n_images[split] for dataset in DATASETS.values())
