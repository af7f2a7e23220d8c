"""What is known about the two source data sets: their classes, sizes and the digests of their files.

Sources: LeCun, Cortes, Burges (1998), "The MNIST database of handwritten digits"; Xiao, Rasul, Vollgraf (2017),
"Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", arXiv:1708.07747.
"""

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "test"]
SourceName = Literal["mnist", "fashion_mnist"]
IMAGE_SIDE = 28  # pixels


@dataclass(frozen=True)
class IdxFile:
    """One unpacked file in the IDX format of the original release."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class SplitSource:
    """The two files of one official split."""

    n_images: int
    images: IdxFile
    labels: IdxFile


@dataclass(frozen=True)
class Source:
    """One data set; `folder` is its class in `torchvision.datasets` and its folder on disk."""

    name: SourceName
    folder: str
    class_names: tuple[str, ...]
    splits: dict[Split, SplitSource]


def split_source(prefix: str, n_images: int, images_sha256: str, labels_sha256: str) -> SplitSource:
    """Files of one split; an IDX file is 4 bytes of magic, 4 per axis, then one byte per value."""
    return SplitSource(
        n_images,
        IdxFile(f"{prefix}-images-idx3-ubyte", 16 + n_images * IMAGE_SIDE**2, images_sha256),
        IdxFile(f"{prefix}-labels-idx1-ubyte", 8 + n_images, labels_sha256),
    )


SOURCES: dict[SourceName, Source] = {
    "mnist": Source(
        name="mnist",
        folder="MNIST",
        class_names=tuple("0123456789"),
        splits={
            "train": split_source(
                "train",
                60_000,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            "test": split_source(
                "t10k",
                10_000,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        },
    ),
    "fashion_mnist": Source(
        name="fashion_mnist",
        folder="FashionMNIST",
        class_names=(
            "T-shirt",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        splits={
            "train": split_source(
                "train",
                60_000,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            "test": split_source(
                "t10k",
                10_000,
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        },
    ),
}
