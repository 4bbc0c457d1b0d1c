"""Pictures of strangers: bombs are refused, traces are cut out, and what is shown stays the same."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from backbone.errors import TooLargeError
from backbone.files.pictures import PREVIEW_PIXELS, measure, preview, without_traces

PLACE = 0x8825
ORIENTATION = 0x0112
SECRET = b"taken at home"


def picture(kind: str, orientation: int = 1) -> bytes:
    """One that tells where, when and by whom it was made."""
    image = Image.new("RGB", (40, 30), "teal")
    image.putpixel((3, 4), (200, 10, 10))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(PLACE)[2] = (48.0, 51.0, 29.0)
    out = io.BytesIO()
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", SECRET.decode())
        image.save(out, kind, exif=exif, pnginfo=info)
    elif kind == "JPEG":
        image.save(out, kind, exif=exif, comment=SECRET, icc_profile=b"a profile")
    else:
        image.save(out, kind, exif=exif, lossless=True, xmp=SECRET)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_picture_loses_place_camera_and_comments_and_nothing_that_is_seen(kind: str, orientation: int) -> None:
    before = picture(kind, orientation)
    assert SECRET in before
    after = without_traces(before, f"image/{kind.lower()}")
    assert SECRET not in after
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        assert new.tobytes() == old.tobytes()
        exif = new.getexif()
        assert not exif.get_ifd(PLACE)
        if kind == "JPEG":
            assert exif.get(ORIENTATION, 1) == orientation
            assert new.info["icc_profile"] == b"a profile"
        else:
            assert not exif
    assert measure(after) == (f"image/{kind.lower()}", 40, 30)
    assert without_traces(after, f"image/{kind.lower()}") == after


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_cut_off_or_broken_is_left_as_it_is_or_loses_its_traces(kind: str) -> None:
    whole = picture(kind)
    for end in range(0, len(whole), 7):
        without_traces(whole[:end], f"image/{kind.lower()}")
    for at in range(0, min(len(whole), 600), 3):
        without_traces(whole[:at] + b"\xff" + whole[at + 1 :], f"image/{kind.lower()}")


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (8000, 8000), (1, 50_000_001)])
def test_a_picture_of_too_many_pixels_is_refused_however_many_they_are(width: int, height: int) -> None:
    """20,000 x 20,000 in 47 KiB passed as something that is no picture."""
    with pytest.raises(TooLargeError) as refused:
        measure(_png(width, height))
    assert refused.value.code == "file.too_many_pixels"


def test_what_is_no_picture_is_none() -> None:
    assert measure(b"hello") is None
    assert measure(b"\x89PNG\r\n\x1a\n") is None


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_preview_is_a_small_jpeg_that_lies_as_the_picture_does_and_tells_nothing(kind: str) -> None:
    found = preview(picture(kind, orientation=6))
    assert found is not None
    assert measure(found) == ("image/jpeg", 30, 40)
    assert SECRET not in found


def test_a_preview_of_a_large_picture_is_bounded_and_what_is_transparent_is_white() -> None:
    out = io.BytesIO()
    Image.effect_noise((3000, 1500), 200).convert("RGB").save(out, "JPEG", quality=95)
    found = preview(out.getvalue())
    assert found is not None
    assert measure(found) == ("image/jpeg", PREVIEW_PIXELS, PREVIEW_PIXELS // 2)
    assert len(found) < 1_000_000 < len(out.getvalue())
    clear = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(clear, "PNG")
    with Image.open(io.BytesIO(preview(clear.getvalue()) or b"")) as shown:
        assert shown.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", picture("JPEG")[:-400], picture("PNG")[:60]])
def test_what_is_no_whole_picture_has_no_preview(content: bytes) -> None:
    assert preview(content) is None
