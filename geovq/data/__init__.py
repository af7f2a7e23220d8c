"""Images to learn from: the full sets through torchvision, and samples that ship with geovq."""

from geovq.data.imageset import ImageSet
from geovq.data.load import at_hand, load_images
from geovq.data.subsets import split_indices, split_validation

__all__ = ["ImageSet", "at_hand", "load_images", "split_indices", "split_validation"]
