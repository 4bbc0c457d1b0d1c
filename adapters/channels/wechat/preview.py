"""The preview of a video where nobody gave one: a grey picture with a triangle, JPEG of 120 x 90."""

from __future__ import annotations

import base64
from typing import Final

from backbone.channel import OutMedia

_JPEG: Final = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71"
    "////m8H////6/+b9//j/wAALCABaAHgBAREA/8QAGgABAAIDAQAAAAAAAAAAAAAAAAIEAwUGAf/EACQQAQADAAAEBgMAAAAAAAAA"
    "AAABAgMEERJBBSExUVJhInGB/9oACAEBAAA/AKIAAAAAAAAAAAAAAAAJ6Z3zt03rNZ+0AAAAB0GmdNK9N6xaPtrt/DbV88bdUfGf"
    "VRtW1LdNomJjtMPAAAAdEIbY57U6b15+094/TT8VhTG/KmsX+u8MAAAA6Jh34rLDyvbnb4x5y1vEcdrtE1j8KT6xHrP9VQAAAXd/"
    "EdL865R0V9+6kAAAAAAAAAAAAAAAAAAAAAAP/9k="
)

PREVIEW: Final = OutMedia(file="wechat-preview", name="preview.jpg", mime="image/jpeg", size=len(_JPEG), content=_JPEG)
"""WeChat wants a preview with each video; uploaded once like any file."""
