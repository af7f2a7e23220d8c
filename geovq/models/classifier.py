"""A small classifier of images, whose features judge samples.

A Fréchet distance needs features that tell the images at hand apart. Networks trained on photographs do not have them
for digits and clothes. In eval mode the features of an image do not depend on the rest of its batch.

Source: Ioffe, Szegedy (2015), "Batch Normalization".
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geovq.catalogue.datasets import ImageShape
from geovq.errors import InvalidValueError
from geovq.models.blocks import require_images


class ImageClassifier(nn.Module):
    """Four convolutions, their mean over space as features, one linear layer to the classes.

    Parameters
    ----------
    n_classes : int
    image_shape : ImageShape
    width : int, default=24
        Channels of the first convolution; the features are 4 width.
    """

    def __init__(self, n_classes: int, image_shape: ImageShape, width: int = 24) -> None:
        if min(n_classes, width) < 1:
            raise InvalidValueError(f"A classifier needs at least one class and channel; got {n_classes} and {width}.")
        super().__init__()
        self.n_classes = n_classes
        self.image_shape = image_shape
        self.width = width
        self.layers = nn.Sequential(
            *_convolution(image_shape.channels, width, kernel_size=5, stride=2),  # (B, width, h / 2, w / 2)
            *_convolution(width, 2 * width),
            nn.MaxPool2d(2),  # (B, 2 width, h / 4, w / 4)
            *_convolution(2 * width, 4 * width),
            *_convolution(4 * width, 4 * width),
        )
        self.head = nn.Linear(4 * width, n_classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on CPU, as in the autoencoders

    @property
    def n_features(self) -> int:
        """Length F of a feature vector."""
        return self.head.in_features

    def features(self, images: Float[Tensor, "B C h w"]) -> Float[Tensor, "B F"]:
        """What the linear layer sees of each image.

        Raises
        ------
        ShapeError
            If images do not have the shape that the classifier was built for.
        """
        require_images(images, self.image_shape)
        activations: Tensor = self.layers(images)  # (B, F, h / 4, w / 4)
        return activations.mean(dim=(2, 3))

    def forward(self, images: Float[Tensor, "B C h w"]) -> Float[Tensor, "B n_classes"]:
        """Logits of the classes."""
        logits: Tensor = self.head(self.features(images))
        return logits


def _convolution(n_in: int, n_out: int, *, kernel_size: int = 3, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(n_in, n_out, kernel_size, stride, padding=kernel_size // 2, bias=False)
    return convolution, nn.BatchNorm2d(n_out), nn.SiLU()
