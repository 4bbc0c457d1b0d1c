"""Files that stand within HTML as `data:` addresses: taken out before its length counts. Pure, in linear time."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from adapters.channels.email import headers

_DATA: Final = re.compile(
    r"data:([a-z]{1,20}/[a-z0-9.+-]{1,80})(?:;[a-z]{1,20}=[\w.%-]{1,80})?;base64,([A-Za-z0-9+/=\s%]+)", re.IGNORECASE
)
LEAST_CHARS: Final = 2000
"""A smaller picture stays where it is."""

MOST_FILES: Final = 100


class Embedded(NamedTuple):
    """A file: its type, its bytes, and the name by which the HTML refers to it as `cid:`."""

    mime: str
    content: bytes
    cid: str


def taken_out(source: str, number: int) -> tuple[str, list[Embedded]]:
    """HTML that refers to the files, and the files in order: pictures of any size but small ones, and all others.

    `number`: of the first, by which it is named.
    """
    if "base64," not in source:
        return source, []
    found: list[Embedded] = []

    def take(data: re.Match[str]) -> str:
        mime = data[1].lower()
        is_small = mime.startswith("image/") and len(data[2]) < LEAST_CHARS
        if is_small or len(found) == MOST_FILES:
            return data[0]
        cid = f"embedded-{number + len(found)}"
        coded = data[2].replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
        found.append(Embedded(mime, headers.base64(coded.encode()), cid))
        return f"cid:{cid}"

    return _DATA.sub(take, source), found
