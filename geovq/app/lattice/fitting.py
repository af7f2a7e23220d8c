"""Pictures that visitors bring: how a file becomes grey values as a run reads them, and how these travel in a link.

Everything that is done to a file is said, since a model that has only seen small bright things on black answers to the
fitting as much as to the picture. `shape` is rows and columns of the run's images.
"""

import base64
import binascii
import io
import math
import struct
import zlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from geovq.app.lattice.png_chunks import browsers_png
from geovq.errors import DataError, InvalidValueError
from geovq.viz.arrays import Array

Shape: TypeAlias = tuple[int, ...]  # rows and columns
_MOST_PIXELS = 20_000_000
_MOST_CHARACTERS = 4  # of a link, per pixel; what cannot be compressed takes 1.4
_16_BIT = ("I;16", "I;16B", "I;16L", "I")
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
_ORIENTATION = 0x0112  # tag of the EXIF
_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Fitted:
    """A picture as a model takes it.

    Attributes
    ----------
    pixels : bytes
        Grey values in raster order, bright on dark.
    steps : tuple of str
        What was done to it, in words.
    """

    pixels: bytes
    steps: tuple[str, ...]


def fit_file(content: bytes, name: str, shape: Shape) -> Fitted:
    """Turn a PNG or JPEG into grey values of a shape.

    Raises
    ------
    DataError
        If it is not such an image, or damaged.
    InvalidValueError
        If it has too many pixels.
    """
    steps: list[str] = []
    height, width = shape
    grey = _cropped(_grey(_opened(content, name), steps), shape, steps)
    if grey.size != (width, height):
        steps.append(f"scaled from {_size(grey)} to {width} × {height}")
        grey = grey.resize((width, height), Image.Resampling.BOX if grey.width > width else Image.Resampling.BICUBIC)
    values = np.asarray(grey)
    border = np.concatenate([values[[0, -1]].ravel(), values[1:-1, [0, -1]].ravel()])
    if np.median(border) > 127:
        steps.append("inverted, since its background is light")
        values = 255 - values
    return Fitted(values.astype(np.uint8).tobytes(), tuple(steps))


def centred(pixels: bytes, shape: Shape) -> tuple[bytes, tuple[int, int]]:
    """Move the centre of mass to the middle by whole pixels, as the digits of MNIST are placed.

    Returns
    -------
    (bytes, (int, int))
        The pixels, and by how many rows and columns they were moved. Nothing leaves the picture.
    """
    image = grey_values(pixels, shape)
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return pixels, (0, 0)
    total = float(image.sum())
    moves = []
    for axis, used, size in ((1, rows, shape[0]), (0, columns, shape[1])):
        mass = image.sum(axis=axis) @ np.arange(size) / total
        moves.append(int(np.clip(round((size - 1) / 2 - mass), -used[0], size - 1 - used[-1])))
    return np.roll(image, moves, axis=(0, 1)).tobytes(), (moves[0], moves[1])


def grey_values(pixels: bytes, shape: Shape) -> UInt8[Array, "height width"]:
    """The bytes as an image."""
    return np.frombuffer(pixels, dtype=np.uint8).reshape(shape)


def to_link(pixels: bytes) -> str:
    """Write the picture into a link."""
    return base64.urlsafe_b64encode(zlib.compress(pixels, 9)).decode("ascii").rstrip("=")


def from_link(text: str, shape: Shape) -> bytes | None:
    """Read what `to_link` wrote of a picture of this shape; None if it is anything else."""
    n_bytes = math.prod(shape)
    if len(text) > _MOST_CHARACTERS * n_bytes:
        return None
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        pixels = zlib.decompressobj().decompress(packed, n_bytes + 1)  # never more, whatever the link promises
    except (binascii.Error, ValueError, zlib.error):
        return None
    return pixels if len(pixels) == n_bytes else None


def from_canvas(text: object, shape: Shape) -> bytes | None:
    """Read what the drawing area sent, base64 of the bytes of a picture of this shape; None if it is anything else."""
    n_bytes = math.prod(shape)
    if not isinstance(text, str) or len(text) > 2 * n_bytes:
        return None
    try:
        pixels = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return pixels if len(pixels) == n_bytes else None


def _opened(content: bytes, name: str) -> Image.Image:
    # Pillow reads the size first. It tells of damage by errors of all these kinds.
    try:
        image = Image.open(io.BytesIO(browsers_png(content)), formats=("PNG", "JPEG"))
        if image.width * image.height > _MOST_PIXELS:
            raise InvalidValueError(
                f"{name} has {_size(image)} pixels, and at most {_MOST_PIXELS // 10**6} million can be fitted; scale "
                "it down, or cut out the part that matters."
            )
        image.load()
    except InvalidValueError:
        raise
    except _DAMAGE as error:
        raise DataError(f"{name} is not a sound PNG or JPEG image; choose another file, or draw one.") from error
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> object:
    """How the camera was held; other entries of the EXIF, and one that cannot be read, do not matter."""
    try:
        return image.getexif().get(_ORIENTATION)
    except _DAMAGE:
        return None


def _grey(image: Image.Image, steps: list[str]) -> Image.Image:
    if image.mode in _16_BIT:
        steps.append("reduced from 65,536 to 256 grey values")
        values = np.asarray(image)
        grey = Image.fromarray((values.clip(0, 65_535) // 257).astype(np.uint8))
        if "transparency" not in image.info:
            return grey
        return _painted(grey, Image.fromarray(values != image.info["transparency"]).convert("L"), steps)
    if image.has_transparency_data:
        layers = image.convert("LA")
        return _painted(layers.getchannel("L"), layers.getchannel("A"), steps)
    if image.mode not in ("L", "1"):
        steps.append("colours turned into grey")
    return image.convert("L")


def _painted(grey: Image.Image, opacity: Image.Image, steps: list[str]) -> Image.Image:
    """Put on paper that the opaque parts stand out from."""
    values, weights = np.asarray(grey), np.asarray(opacity)
    is_bright = np.einsum("ij,ij", values, weights, dtype=np.int64) > 127 * weights.sum(dtype=np.int64)
    steps.append(f"transparent parts painted {'black' if is_bright else 'white'}")
    paper = Image.new("L", grey.size, 0 if is_bright else 255)
    paper.paste(grey, mask=opacity)
    return paper


def _cropped(image: Image.Image, shape: Shape, steps: list[str]) -> Image.Image:
    """The largest part in the middle that has the proportions of the shape."""
    height, width = shape
    scale = min(image.width / width, image.height / height)
    kept_width, kept_height = (max(round(scale * side), 1) for side in (width, height))
    if (kept_width, kept_height) == image.size:
        return image
    left, top = (image.width - kept_width) // 2, (image.height - kept_height) // 2
    kept = image.crop((left, top, left + kept_width, top + kept_height))
    steps.append(f"cropped from {_size(image)} to the {_size(kept)} in its middle")
    return kept


def _size(image: Image.Image) -> str:
    return f"{image.width:,} × {image.height:,}"
