"""Shapes of the images that models of the tests are built for, and how often these are halved."""

from geovq.catalogue.datasets import ImageShape

IMAGE_SHAPE = ImageShape(1, 28, 28)
TRUNK = (IMAGE_SHAPE, 2)  # lattices of 7 by 7
COLOUR_TRUNK = (ImageShape(3, 16, 24), 3)  # lattices of 2 by 3
