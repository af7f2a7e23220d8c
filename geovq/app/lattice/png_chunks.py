"""The chunks of a PNG that decide how a browser shows it.

All others (colour profiles, texts, resolutions, later frames of an animation) are left out before the file is decoded:
browsers pass over one that is damaged or huge, while a decoder may refuse the whole picture for it.

Source: PNG specification, third edition (W3C 2025), sections 5.3 (chunk layout), 11.2 and 11.3.1.
"""

import struct

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf")
_AROUND = 12  # bytes of a chunk that are not its data: length, type, checksum
_TRANSPARENCY_BYTES = {0: 2, 2: 6}  # of tRNS, by colour type: one grey value, or one colour


def browsers_png(content: bytes) -> bytes:
    """The PNG with only what decides its pixels; any other content, and what follows damage, stays as it is."""
    if not content.startswith(_SIGNATURE):
        return content
    parts, at, colour_type, n_colours = [_SIGNATURE], len(_SIGNATURE), 0, 0
    while at + _AROUND <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + _AROUND + length
        data = content[at + 8 : end - 4]
        if kind == b"IHDR" and length == 13:
            colour_type = data[9]
        elif kind == b"PLTE":
            n_colours = length // 3
        if kind in _KEPT and not (kind == b"tRNS" and not _fits(length, colour_type, n_colours)):
            parts.append(content[at:end])
        at = end
    return b"".join([*parts, content[at:]])


def _fits(length: int, colour_type: int, n_colours: int) -> bool:
    """Whether transparency of so many bytes belongs to the picture; another one is passed over."""
    if colour_type == 3:  # one value for each of the first colours of the palette
        return 0 < length <= n_colours
    return length == _TRANSPARENCY_BYTES.get(colour_type)
