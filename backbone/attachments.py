"""Attachments: type by content, sizes, and the object store `files` (name `<tenant>/<uuid>`)."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from typing import Final

import msgspec
import puremagic
from msgspec import Struct
from nats.js.api import ObjectMeta
from nats.js.errors import NotFoundError as NatsNotFoundError
from nats.js.object_store import ObjectStore
from PIL import Image

from backbone.errors import InvalidInputError, NotFoundError, TooLargeError, UnsupportedTypeError
from backbone.events import Attachment
from backbone.ids import check_name, check_uuid, new_uuid
from backbone.link import Link
from backbone.streams import FILES_BUCKET

MOST_PIXELS: Final = 50_000_000
NAME_CHARACTERS: Final = 200
FALLBACK_MIME: Final = "application/octet-stream"

INLINE: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "audio/ogg", "video/mp4", "video/webm"}
)
"""Types that a page may show from its own origin; all else is downloaded."""

REFUSED: Final = frozenset(
    {
        "application/x-msdownload",
        "application/x-dosexec",
        "application/vnd.microsoft.portable-executable",
        "application/x-executable",
        "application/x-elf",
        "application/x-sharedlib",
    }
)
"""Programs: nobody sends one to a service desk for good."""

_IMAGE: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class _Meta(Struct):
    """What the store keeps about a file, beside its bytes."""

    name: str
    mime: str
    bytes: int
    sha256: str
    owner: str
    width: int = 0
    height: int = 0


def clean_name(name: str) -> str:
    """A file's name for people: no path, no control or direction characters, at most 200 characters."""
    cut = _CONTROL.sub("", name.replace("\\", "/").rsplit("/", 1)[-1]).strip().lstrip(".")
    return cut[-NAME_CHARACTERS:] or "file"


def sniff(content: bytes, name: str) -> tuple[str, int, int]:
    """The type by content, and width and height in pixels where it is a picture (else 0, 0).

    Raises UnsupportedTypeError for programs, TooLargeError for pictures over 50 megapixels,
    InvalidInputError for an empty file.
    """
    if not content:
        raise InvalidInputError("file.empty", "The file is empty.", field="body")
    try:
        with Image.open(io.BytesIO(content), formats=list(_IMAGE)) as image:
            width, height = image.size
            mime = _IMAGE[image.format or ""]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return _sniff_other(content, name), 0, 0
    if width * height > MOST_PIXELS:
        raise TooLargeError(
            "file.too_many_pixels", "The picture has over 50 megapixels; make it smaller.", field="body"
        )
    return mime, width, height


def _sniff_other(content: bytes, name: str) -> str:
    if content.startswith((b"MZ", b"\x7fELF")):
        raise UnsupportedTypeError("file.type_refused", "Programs can't be sent.", field="body")
    try:
        mime = puremagic.from_string(content, mime=True, filename=name) or FALLBACK_MIME
    except (puremagic.PureError, ValueError):
        mime = "text/plain" if _is_text(content) else FALLBACK_MIME
    if mime in REFUSED:
        raise UnsupportedTypeError("file.type_refused", "Programs can't be sent.", field="body")
    return str(mime)


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return "\x00" not in text


class Attachments:
    """The object store of files."""

    def __init__(self, link: Link, most_bytes: int) -> None:
        self._link = link
        self._most_bytes = most_bytes
        self._store: ObjectStore | None = None

    async def save(self, tenant: str, owner: str, content: bytes, name: str) -> Attachment:
        """Checks and stores a file for `owner` (a contact or agent); returns its record.

        Raises what `sniff` raises, and TooLargeError over the size limit.
        """
        if len(content) > self._most_bytes:
            raise TooLargeError(
                "file.too_large", f"Files may have {self._most_bytes // 1_048_576} MiB at most.", field="body"
            )
        shown = clean_name(name)
        # Sniffing and hashing megabytes would hold up every socket of the loop.
        mime, width, height = await asyncio.to_thread(sniff, content, shown)
        digest = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
        file = new_uuid()
        meta = _Meta(name=shown, mime=mime, bytes=len(content), sha256=digest, owner=owner, width=width, height=height)
        store = await self._open()
        await store.put(_object(tenant, file), content, meta=_info(meta))
        return _attachment(file, meta)

    async def record(self, tenant: str, file: str) -> tuple[Attachment, str]:
        """The record of a file and its owner. Raises NotFoundError `file.not_found`."""
        try:
            info = await (await self._open()).get_info(_object(tenant, file))
        except NatsNotFoundError:
            raise _missing() from None
        meta = msgspec.json.decode(info.description or "{}", type=_Meta)
        return _attachment(file, meta), meta.owner

    async def content(self, tenant: str, file: str) -> bytes:
        """The bytes of a file. Raises NotFoundError `file.not_found`."""
        try:
            result = await (await self._open()).get(_object(tenant, file))
        except NatsNotFoundError:
            raise _missing() from None
        return result.data or b""

    async def _open(self) -> ObjectStore:
        if self._store is None:
            self._store = await self._link.jetstream().object_store(FILES_BUCKET)
        return self._store


def _object(tenant: str, file: str) -> str:
    return f"{check_name(tenant, 'tenant')}/{check_uuid(file, 'file')}"


def _info(meta: _Meta) -> ObjectMeta:
    return ObjectMeta(description=msgspec.json.encode(meta).decode())


def _attachment(file: str, meta: _Meta) -> Attachment:
    return Attachment(
        file=file,
        name=meta.name,
        mime=meta.mime,
        bytes=meta.bytes,
        sha256=meta.sha256,
        width=meta.width,
        height=meta.height,
    )


def _missing() -> NotFoundError:
    return NotFoundError("file.not_found", "There is no such file.", field="file")
