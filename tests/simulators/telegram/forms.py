"""Reads a form with files (RFC 7578), as far as a platform needs it."""

from __future__ import annotations

import re

from msgspec import Struct

_NAMED = re.compile(rb'\bname="([^"]*)"')
_FILE = re.compile(rb'\bfilename="([^"]*)"')
_TYPE = re.compile(rb"content-type:\s*([^\r\n;]+)", re.IGNORECASE)


class Field(Struct, frozen=True):
    """One field; `filename` is empty where it is no file."""

    content: bytes
    filename: str = ""
    mime: str = ""

    @property
    def text(self) -> str:
        """The field as text."""
        return self.content.decode()


def read(content_type: str, body: bytes) -> dict[str, Field]:
    """The fields by name; empty if it isn't a form with files."""
    found = re.search(r'multipart/form-data;.*boundary="?([^";]+)"?', content_type)
    if found is None:
        return {}
    fields: dict[str, Field] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + found[1].encode())[1:]:
        if part.startswith(b"--"):
            break
        head, _, content = part.partition(b"\r\n\r\n")
        name, file, mime = _NAMED.search(head), _FILE.search(head), _TYPE.search(head)
        assert name is not None, head
        fields[name[1].decode()] = Field(content, file[1].decode() if file else "", mime[1].decode() if mime else "")
    return fields
