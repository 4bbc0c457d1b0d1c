"""Reads an uploaded form as a provider's server does."""

from __future__ import annotations

import email
import email.policy
from typing import NamedTuple

from starlette.requests import Request


class Part(NamedTuple):
    """One file of a form."""

    filename: str
    mime: str
    content: bytes


async def file_of(request: Request, field: str) -> Part | None:
    """The file under a field's name."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    form = email.message_from_bytes(head + await request.body(), policy=email.policy.HTTP)
    for part in form.iter_parts() if form.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if name == field and part.get_filename() and isinstance(content, bytes):
            return Part(str(part.get_filename()), part.get_content_type(), content)
    return None
