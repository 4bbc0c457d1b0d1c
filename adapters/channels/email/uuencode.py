"""Files in uuencode, as a transfer encoding or within a text: pure."""

from __future__ import annotations

import binascii
import re
from typing import Final

_BEGIN: Final = re.compile(r"begin(?:-base64)? [0-7]{3,4} (\S.{0,200})")
_COUNT: Final = 32
_MOST_LINE: Final = 45
MOST_FILES: Final = 100


def decoded(body: bytes) -> bytes:
    """What stands between `begin` and `end`; lines that can't be read are left out."""
    found = bytearray()
    has_begun = False
    for line in body.splitlines():
        if not has_begun:
            has_begun = line.startswith(b"begin ")
        elif line.strip() == b"end":
            break
        else:
            found += _line(line)
    return bytes(found) if has_begun else body


def within(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A text without the files in it, and (name, bytes) of each. One that doesn't end, or holds another line, stays."""
    if "begin" not in text:
        return text, []
    lines = text.split("\n")
    kept: list[str] = []
    files: list[tuple[str, bytes]] = []
    at = 0
    while at < len(lines):
        begin = _BEGIN.fullmatch(lines[at].rstrip())
        end = _end(lines, at + 1) if begin and len(files) < MOST_FILES else at
        if begin and end > at:
            files.append((begin[1].strip(), _content(lines, at, end)))
            at = end + 1
        else:
            # Lines that were looked at are looked at once: the file that began here isn't one.
            skip = max(at + 1, -end) if end < 0 else at + 1
            kept += lines[at:skip]
            at = skip
    return "\n".join(kept), files


def _end(lines: list[str], at: int) -> int:
    """Where the line `end` is; minus the first line that is none of a file where it comes before."""
    is_base64 = lines[at - 1].startswith("begin-base64")
    while at < len(lines):
        line = lines[at].rstrip()
        if line == ("====" if is_base64 else "end"):
            return at
        if not is_base64 and line and not _is_coded(line):
            return -at
        at += 1
    return -at


def _is_coded(line: str) -> bool:
    """Whether its first character says its length; spaces at its end may be lost, and one more may be added."""
    count = (ord(line[0]) - _COUNT) & 0x3F
    length = (count + 2) // 3 * 4
    return count <= _MOST_LINE and min(line) >= " " and max(line) <= "`" and len(line) - 1 <= length + 2


def _content(lines: list[str], begin: int, end: int) -> bytes:
    coded = [line.rstrip("\r").encode("ascii", "replace") for line in lines[begin + 1 : end]]
    if lines[begin].startswith("begin-base64"):
        try:
            return binascii.a2b_base64(b"".join(coded))
        except binascii.Error:
            return b"\n".join(coded)
    return b"".join(map(_line, coded))


def _line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        pass
    try:
        # Some write more than the first character says.
        return binascii.a2b_uu(line[: 1 + (((line[0] - _COUNT) & 0x3F) + 2) // 3 * 4])
    except (binascii.Error, IndexError):
        return b""
