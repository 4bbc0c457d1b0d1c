"""Attachments: type by content, sizes, and the object store `files` (name `<tenant>/<uuid>`).

A file that was uploaded is waiting (`Waiting`) until a message names it, and is deleted where none does.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec
import puremagic
from msgspec import Struct

from backbone.errors import InvalidInputError, NotFoundError, TooLargeError, UnsupportedTypeError
from backbone.events import Attachment
from backbone.files import pictures
from backbone.ids import check_name, check_uuid, new_uuid
from backbone.nats.objects import Objects

NAME_CHARACTERS: Final = 200
EXAMINED_AT_ONCE: Final = 2
"""Files that are in memory whole at once, to be told and stored: 2 of 20 MiB."""

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
    return pictures.measure(content) or (_sniff_other(content, name), 0, 0)


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


class Examined(Struct, frozen=True):
    """A file as it will be stored: its bytes, type, hash (hex SHA-256), and pixels where it is a picture."""

    content: bytes
    mime: str
    sha256: str
    width: int
    height: int


def examine(content: bytes, name: str) -> Examined:
    """Tells a file by its content, and takes out of a picture what it says of its maker. Raises as `sniff`."""
    mime, width, height = sniff(content, name)
    if width:
        content = pictures.without_traces(content, mime)
    return Examined(content, mime, hashlib.sha256(content).hexdigest(), width, height)


class Attachments:
    """The files of all tenants."""

    def __init__(self, objects: Objects, most_bytes: int) -> None:
        self._objects = objects
        self._most_bytes = most_bytes
        self._examining = asyncio.Semaphore(EXAMINED_AT_ONCE)

    def check_room(self) -> None:
        """Raises UnavailableError `files.full` where files aren't taken now."""
        self._objects.check_room()

    async def save(
        self, tenant: str, owner: str, content: bytes | Callable[[], bytes], name: str, file: str = ""
    ) -> Attachment:
        """Checks and stores a file for `owner` (a contact or agent); returns its record.

        `content` may be a function that reads it, which is called in a thread once there is room in memory for it.
        `file` is its id, if it has one already. Raises what `sniff` and `Objects.put` raise, and TooLargeError.
        """
        shown = clean_name(name)
        async with self._examining:
            if callable(content):
                content = await asyncio.to_thread(content)
            if len(content) > self._most_bytes:
                raise TooLargeError(
                    "file.too_large", f"Files may have {self._most_bytes // 1_048_576} MiB at most.", field="body"
                )
            # Sniffing and hashing megabytes would hold up every socket of the loop.
            found = await asyncio.to_thread(examine, content, shown)
            file = file or new_uuid()
            meta = _Meta(
                name=shown,
                mime=found.mime,
                bytes=len(found.content),
                sha256=found.sha256,
                owner=owner,
                width=found.width,
                height=found.height,
            )
            await self._objects.put(_object(tenant, file), msgspec.json.encode(meta).decode(), found.content)
        return _attachment(file, meta)

    async def record(self, tenant: str, file: str) -> tuple[Attachment, str]:
        """The record of a file and its owner. Raises NotFoundError `file.not_found`."""
        info = await self._objects.info(_object(tenant, file))
        meta = msgspec.json.decode(info.description or "{}", type=_Meta)
        return _attachment(file, meta), meta.owner

    async def content(self, tenant: str, file: str) -> bytes:
        """The bytes of a file. Raises NotFoundError `file.not_found`."""
        return b"".join([chunk async for chunk in await self.chunks(tenant, file)])

    async def preview(self, tenant: str, file: str) -> bytes:
        """A small JPEG of a picture. Raises NotFoundError `file.not_found`, also where it is none."""
        async with self._examining:
            found = await asyncio.to_thread(pictures.preview, await self.content(tenant, file))
        if found is None:
            raise NotFoundError("file.not_found", "The file is no picture, so that there is no preview of it.")
        return found

    async def chunks(self, tenant: str, file: str) -> AsyncIterator[bytes]:
        """The bytes of a file, 128 KiB at a time, read as they are taken. Raises NotFoundError `file.not_found`."""
        return self._objects.read(await self._objects.info(_object(tenant, file)))

    async def delete(self, tenant: str, file: str) -> None:
        """Deletes a file; one that isn't there is no error."""
        await self._objects.delete(_object(tenant, file))


def _object(tenant: str, file: str) -> str:
    return f"{check_name(tenant, 'tenant')}/{check_uuid(file, 'file')}"


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
