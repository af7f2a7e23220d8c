"""Pictures that visitors bring: everything that is done to them is done right, and said."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from geovq.app.lattice.fitting import centred, fit_file, from_canvas, from_link, grey_values, to_link
from geovq.errors import DataError, InvalidValueError

SHAPE = (28, 28)
N_BYTES = 28 * 28
DIGIT = np.zeros((28, 28), dtype=np.uint8)
DIGIT[6:20, 12:15] = 200


def png(values: np.ndarray, mode: str | None = None) -> bytes:
    image = Image.fromarray(values)
    buffer = io.BytesIO()
    (image.convert(mode) if mode else image).save(buffer, format="PNG")
    return buffer.getvalue()


def test_a_picture_of_the_right_size_is_taken_as_it_is() -> None:
    fitted = fit_file(png(DIGIT), "digit.png", SHAPE)
    np.testing.assert_array_equal(grey_values(fitted.pixels, SHAPE), DIGIT)
    assert fitted.steps == ()


def test_dark_on_light_is_inverted() -> None:
    fitted = fit_file(png(255 - DIGIT), "digit.png", SHAPE)
    np.testing.assert_array_equal(grey_values(fitted.pixels, SHAPE), DIGIT)
    assert fitted.steps == ("inverted, since its background is light",)


def test_a_large_picture_is_scaled_by_averaging() -> None:
    fitted = fit_file(png(DIGIT.repeat(10, axis=0).repeat(10, axis=1)), "digit.png", SHAPE)
    np.testing.assert_array_equal(grey_values(fitted.pixels, SHAPE), DIGIT)
    assert fitted.steps == ("scaled from 280 × 280 to 28 × 28",)


def test_the_middle_is_kept_of_a_picture_that_is_not_square() -> None:
    wide = np.pad(DIGIT, ((0, 0), (10, 10)))
    wide[:, 0] = 40
    fitted = fit_file(png(wide), "digit.png", SHAPE)
    np.testing.assert_array_equal(grey_values(fitted.pixels, SHAPE), DIGIT)
    assert fitted.steps == ("cropped from 48 × 28 to the 28 × 28 in its middle",)


@pytest.mark.parametrize(("ink", "paper"), [(0, "white"), (255, "black")])
def test_transparent_parts_become_paper_that_the_ink_stands_out_from(ink: int, paper: str) -> None:
    layers = np.stack([np.full_like(DIGIT, ink), np.where(DIGIT > 0, 255, 0).astype(np.uint8)], axis=-1)
    fitted = fit_file(png(layers, "RGBA"), "digit.png", SHAPE)
    np.testing.assert_array_equal(grey_values(fitted.pixels, SHAPE) > 127, DIGIT > 0)
    assert fitted.steps[0] == f"transparent parts painted {paper}"


def test_sixteen_bits_keep_their_order() -> None:
    fitted = fit_file(png(DIGIT.astype(np.uint16) * 257), "scan.png", SHAPE)
    np.testing.assert_array_equal(grey_values(fitted.pixels, SHAPE), DIGIT)


def test_colours_become_grey() -> None:
    fitted = fit_file(png(DIGIT, "RGB"), "photo.png", SHAPE)
    np.testing.assert_array_equal(grey_values(fitted.pixels, SHAPE), DIGIT)
    assert fitted.steps == ("colours turned into grey",)


@pytest.mark.parametrize("content", [b"", b"hello", png(DIGIT)[:60], b"GIF89a" + bytes(40)])
def test_what_is_no_sound_image_is_named_with_a_remedy(content: bytes) -> None:
    with pytest.raises(DataError, match=r"shoe\.png is not a sound PNG or JPEG image; choose another file"):
        fit_file(content, "shoe.png", SHAPE)


def test_a_huge_picture_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    Image.new("1", (6000, 5000)).save(buffer, format="PNG")
    with pytest.raises(InvalidValueError, match="6,000 × 5,000 pixels, and at most 20 million"):
        fit_file(buffer.getvalue(), "huge.png", SHAPE)


def test_centring_moves_the_mass_to_the_middle_and_loses_nothing() -> None:
    corner = np.roll(DIGIT, (-6, -12), axis=(0, 1))
    pixels, moves = centred(corner.tobytes(), SHAPE)
    assert moves == (7, 12)  # the mean row is 6.5 and has to be 13.5, the mean column 1
    np.testing.assert_array_equal(grey_values(pixels, SHAPE), np.roll(corner, moves, axis=(0, 1)))
    assert centred(pixels, SHAPE) == (pixels, (0, 0))


def test_centring_stops_at_the_border() -> None:
    heavy = np.zeros((28, 28), dtype=np.uint8)
    heavy[:, 0] = 255
    heavy[0, 27] = 1
    assert centred(heavy.tobytes(), SHAPE) == (heavy.tobytes(), (0, 0))
    assert centred(bytes(N_BYTES), SHAPE) == (bytes(N_BYTES), (0, 0))


@pytest.mark.parametrize("values", [DIGIT, np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)])
def test_a_link_brings_the_picture_back(values: np.ndarray) -> None:
    text = to_link(values.tobytes())
    assert from_link(text, SHAPE) == values.tobytes()
    assert len(text) < 1_100


@pytest.mark.parametrize(
    "text",
    ["", "love", "????", "x" * 10_000, to_link(bytes(100)), to_link(bytes(50_000_000)), to_link(DIGIT.tobytes())[:-9]],
)
def test_any_other_link_is_none(text: str) -> None:
    assert from_link(text, SHAPE) is None


def test_the_drawing_area_sends_plain_base64() -> None:
    assert from_canvas(base64.b64encode(DIGIT.tobytes()).decode(), SHAPE) == DIGIT.tobytes()


@pytest.mark.parametrize("sent", [None, 3, "", "§", base64.b64encode(bytes(99)).decode(), "A" * 9_999])
def test_anything_else_from_the_drawing_area_is_none(sent: object) -> None:
    assert from_canvas(sent, SHAPE) is None


def test_a_link_that_unpacks_to_more_than_a_picture_is_not_unpacked() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(bytes(2_000_000), 9)).decode().rstrip("=")
    assert from_link(bomb, SHAPE) is None


def test_a_picture_takes_the_rows_and_columns_of_the_runs_images() -> None:
    shape = (20, 32)
    bright = np.zeros((40, 80), dtype=np.uint8)
    bright[10:30, 20:40] = 255
    fitted = fit_file(png(bright), "wide.png", shape)
    assert fitted.steps == ("cropped from 80 × 40 to the 64 × 40 in its middle", "scaled from 64 × 40 to 32 × 20")
    np.testing.assert_array_equal(grey_values(fitted.pixels, shape), bright[::2, 8:-8:2])
    assert from_link(to_link(fitted.pixels), shape) == fitted.pixels
    assert from_link(to_link(fitted.pixels), SHAPE) is None
    pixels, moves = centred(fitted.pixels, shape)
    assert moves == (0, 5)  # rows 5 to 14 are the middle already; columns 6 to 15 have to be 11 to 20
    np.testing.assert_array_equal(grey_values(pixels, shape), np.roll(grey_values(fitted.pixels, shape), moves, (0, 1)))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(content: bytes, kind: bytes, data: bytes) -> bytes:
    """The PNG with one chunk more, after its header."""
    return content[:33] + chunk(kind, data) + content[33:]


def jpeg(values: np.ndarray, exif: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, format="JPEG", quality=95, exif=exif)
    return buffer.getvalue()


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """Entries (tag, type, count, value or offset) as a camera writes them, with four bytes of text behind them."""
    packed = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + b"\0\0\0\0abc\0"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"iCCP", b"huge\0\0" + zlib.compress(bytes(2_000_000), 9)),  # more than decoders unpack
        (b"iCCP", b"broken\0\0not compressed"),
        (b"pHYs", b"\0"),
        (b"tRNS", b""),
        (b"tRNS", b"\0\0\0\0\0\0"),  # of a colour, in a grey picture
        (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000), 9)),
        (b"gAMA", b""),
        (b"acTL", b"\0\0"),
    ],
)
def test_chunks_that_browsers_pass_over_do_not_matter(kind: bytes, data: bytes) -> None:
    fitted = fit_file(with_chunk(png(DIGIT), kind, data), "digit.png", SHAPE)
    np.testing.assert_array_equal(grey_values(fitted.pixels, SHAPE), DIGIT)
    assert fitted.steps == ()


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [
        (1, lambda stored: stored),
        (2, np.fliplr),
        (3, lambda stored: np.rot90(stored, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, lambda stored: np.rot90(stored, -1)),
        (7, lambda stored: np.rot90(np.transpose(stored), 2)),
        (8, np.rot90),
        (9, lambda stored: stored),  # not one of those that there are
    ],
)
def test_a_photo_is_turned_as_the_camera_was_held_whatever_else_its_exif_says(orientation, shown) -> None:
    stored = np.zeros((28, 28), dtype=np.uint8)
    stored[8:16, :8] = 255
    stored[:8, 20:] = 120
    resolution = (0x011B, 2, 4, struct.pack("<I", 38))  # a text where a number belongs
    content = jpeg(stored, exif((0x0112, 3, 1, struct.pack("<HH", orientation, 0)), resolution))
    fitted = fit_file(content, "photo.jpg", SHAPE)
    np.testing.assert_allclose(grey_values(fitted.pixels, SHAPE).astype(int), shown(stored).astype(int), atol=24)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("data", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM" + bytes(20)])
def test_exif_that_cannot_be_read_turns_nothing(data: bytes) -> None:
    fitted = fit_file(jpeg(DIGIT, data), "photo.jpg", SHAPE)
    np.testing.assert_allclose(grey_values(fitted.pixels, SHAPE).astype(int), DIGIT.astype(int), atol=24)


def test_one_value_of_sixteen_bits_can_be_transparent() -> None:
    scan = np.where(DIGIT > 0, 200 * 257, 30_291).astype(np.uint16)
    fitted = fit_file(with_chunk(png(scan), b"tRNS", struct.pack(">H", 30_291)), "scan.png", SHAPE)
    np.testing.assert_array_equal(grey_values(fitted.pixels, SHAPE), DIGIT)
    assert fitted.steps == ("reduced from 65,536 to 256 grey values", "transparent parts painted black")


SOUND = [png(DIGIT), png(DIGIT, "P"), png(DIGIT, "RGBA"), png(DIGIT.astype(np.uint16) * 257), jpeg(DIGIT)]


@pytest.mark.filterwarnings("ignore:.*orrupt EXIF")
@settings(max_examples=300)
@given(
    content=st.sampled_from(SOUND),
    cut=st.integers(0, 2_000),
    flips=st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 255)), max_size=4),
)
def test_a_damaged_file_is_fitted_or_refused_in_one_sentence(content, cut, flips) -> None:
    damaged = bytearray(content[: cut or None])
    for at, mask in flips:
        damaged[at % len(damaged)] ^= mask
    try:
        n_bytes, said = len(fit_file(bytes(damaged), "mine.png", SHAPE).pixels), "mine.png is fitted"
    except (DataError, InvalidValueError) as error:
        n_bytes, said = N_BYTES, str(error)
    assert n_bytes == N_BYTES
    assert said.startswith("mine.png ")
