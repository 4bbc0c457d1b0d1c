"""As what each channel takes files by their types; what it doesn't take goes out as a link."""

from __future__ import annotations

import pytest

from adapters.channels.kit.outgoing.parts import kind_of
from backbone import events as ev
from backbone.accounts import registry

LINK = None
CASES = [
    ("wechat", "image/png", "image"),
    ("wechat", "image/webp", LINK),
    ("wechat", "audio/mpeg", "audio"),
    ("wechat", "audio/ogg", LINK),
    ("wechat", "video/mp4", "video"),
    ("wechat", "video/webm", LINK),
    ("wechat", "application/pdf", LINK),
    ("miniprogram", "image/gif", "image"),
    ("miniprogram", "audio/mpeg", LINK),
    ("miniprogram", "video/mp4", LINK),
    ("wecom", "image/jpeg", "image"),
    ("wecom", "image/webp", "file"),
    ("wecom", "audio/amr", "audio"),
    ("wecom", "audio/mpeg", "file"),
    ("wecom", "video/webm", "file"),
    ("wecom", "application/zip", "file"),
    ("douyin", "image/gif", "image"),
    ("douyin", "image/webp", LINK),
    ("douyin", "video/mp4", LINK),
    ("telegram", "image/webp", "image"),
    ("telegram", "image/svg+xml", "file"),
    ("telegram", "video/x-matroska", "file"),
    ("telegram", "audio/amr", "file"),
    ("whatsapp", "image/png", "image"),
    ("whatsapp", "image/svg+xml", LINK),
    ("whatsapp", "audio/ogg; codecs=opus", "audio"),
    ("whatsapp", "audio/wav", LINK),
    ("whatsapp", "application/pdf", "file"),
    ("whatsapp", "application/zip", LINK),
    ("messenger", "image/webp", "file"),
    ("messenger", "audio/ogg", "file"),
    ("messenger", "video/quicktime", "video"),
    ("messenger", "application/zip", "file"),
    ("instagram", "image/gif", "image"),
    ("instagram", "image/webp", LINK),
    ("instagram", "audio/mpeg", LINK),
    ("instagram", "application/pdf", "file"),
    ("instagram", "application/zip", LINK),
    ("api", "application/zip", "file"),
    ("email", "image/webp", "image"),
]


@pytest.mark.parametrize(("channel", "mime", "kind"), CASES)
def test_a_type_is_taken_as_what_its_platform_knows(channel: str, mime: str, kind: str | None) -> None:
    found = registry.find(channel)
    assert not isinstance(found, registry.Broken), found
    assert kind_of(found.caps, ev.Attachment(file="f", name="a", mime=mime, bytes=1000)) == kind
