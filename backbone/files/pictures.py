"""Pictures of strangers: measured before anything decodes them, and stored without what they tell of their maker. Pure.

A camera writes the place where a picture was taken into it. Segments are cut out of the file as they stand: nothing is
decoded or compressed again. Of EXIF the orientation alone is kept, without which a picture lies on its side.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable
from typing import Final

from PIL import Image, ImageOps

from backbone.errors import TooLargeError

MOST_PIXELS: Final = 50_000_000

PREVIEW_PIXELS: Final = 640
"""Of a side: as a JPEG that is far less than 1 MB, whatever the picture shows."""

PREVIEW_QUALITY: Final = 80

_MIME: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
_ORIENTATION: Final = 0x0112
_SOI, _SOS, _APP1, _APP13, _COMMENT = b"\xff\xd8", 0xDA, 0xE1, 0xED, 0xFE
_PNG_HEAD: Final = b"\x89PNG\r\n\x1a\n"
_PNG_DROPPED: Final = frozenset({b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME"})
_WEBP_DROPPED: Final = frozenset({b"EXIF", b"XMP "})
_WEBP_FLAGS: Final = 0b0000_1100
"""Of VP8X: that EXIF and XMP follow."""


def measure(content: bytes) -> tuple[str, int, int] | None:
    """The type, width and height in pixels of a picture; None if it isn't one.

    Raises TooLargeError `file.too_many_pixels`, also where the library itself refuses to look: one of 400 megapixels
    in 47 KiB passed since it was too large to be told for a picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=list(_MIME)) as image:
                (width, height), kind = image.size, image.format or ""
    except Image.DecompressionBombError:
        raise _too_large() from None
    except (OSError, ValueError, SyntaxError, struct.error, OverflowError):
        return None
    if width * height > MOST_PIXELS:
        raise _too_large()
    return _MIME[kind], width, height


def preview(content: bytes) -> bytes | None:
    """A JPEG of at most 640 x 640 pixels, turned as it is looked at, on white; None if it isn't a picture.

    Raises TooLargeError as `measure`. A JPEG is read at an eighth of its size where that is enough.
    """
    if measure(content) is None:
        return None
    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(content), formats=list(_MIME)) as image:
            image.draft("RGB", (PREVIEW_PIXELS, PREVIEW_PIXELS))
            image.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
            small = ImageOps.exif_transpose(image).convert("RGBA")
            shown = Image.new("RGB", small.size, "white")
            shown.paste(small, mask=small)
            shown.save(out, "JPEG", quality=PREVIEW_QUALITY)
    except (OSError, ValueError, SyntaxError, struct.error, OverflowError, Image.DecompressionBombError):
        return None
    return out.getvalue()


def without_traces(content: bytes, mime: str) -> bytes:
    """The picture without place, camera, times and comments; as it is where its parts can't be told."""
    strip = _STRIP.get(mime)
    if strip is None:
        return content
    try:
        return strip(content)
    except (struct.error, IndexError, ValueError):
        return content


def _jpeg(content: bytes) -> bytes:
    parts, at = [_SOI], len(_SOI)
    orientation = _orientation_of(content)
    if orientation > 1:
        parts.append(_exif(orientation))
    while True:
        if content[at] != 0xFF:
            raise ValueError
        kind = content[at + 1]
        if kind == 0xFF:
            at += 1
            continue
        if kind == _SOS:
            return b"".join([*parts, content[at:]])
        if kind == 0x01 or 0xD0 <= kind <= 0xD8:
            parts.append(content[at : at + 2])
            at += 2
            continue
        end = at + 2 + int(struct.unpack_from(">H", content, at + 2)[0])
        if end > len(content) or end < at + 4:
            raise ValueError
        if kind not in {_APP1, _APP13, _COMMENT}:
            parts.append(content[at:end])
        at = end


def _orientation_of(content: bytes) -> int:
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - a broken EXIF raises whatever its parser meets; the picture is shown as it lies
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _exif(orientation: int) -> bytes:
    """An APP1 segment that holds the orientation alone."""
    tiff = b"MM\x00\x2a\x00\x00\x00\x08" + struct.pack(">HHHIHHI", 1, _ORIENTATION, 3, 1, orientation, 0, 0)
    body = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _png(content: bytes) -> bytes:
    if not content.startswith(_PNG_HEAD):
        raise ValueError
    parts, at = [_PNG_HEAD], len(_PNG_HEAD)
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + size
        if end > len(content):
            parts.append(content[at:])
            break
        if kind not in _PNG_DROPPED:
            parts.append(content[at:end])
        at = end
        if kind == b"IEND":
            break
    return b"".join(parts)


def _webp(content: bytes) -> bytes:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise ValueError
    parts, at = [], 12
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, at)
        end = at + 8 + size + (size & 1)
        if kind == b"VP8X":
            parts.append(content[at : at + 8] + bytes([content[at + 8] & ~_WEBP_FLAGS]) + content[at + 9 : end])
        elif kind not in _WEBP_DROPPED:
            parts.append(content[at:end])
        at = end
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


_STRIP: Final[dict[str, Callable[[bytes], bytes]]] = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}


def _too_large() -> TooLargeError:
    return TooLargeError("file.too_many_pixels", "The picture has over 50 megapixels; make it smaller.", field="body")
