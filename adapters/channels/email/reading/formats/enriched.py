"""Text with commands of its own: text/enriched (RFC 1896), text/richtext (RFC 1341) and text/calendar. Pure."""

from __future__ import annotations

import re
from typing import Final

_COMMAND: Final = re.compile(r"<(<|/?[A-Za-z0-9-]{1,60}>)")
_PARAMETER: Final = re.compile(r"<param>[^<]*(?:</param>)?", re.IGNORECASE)
_BREAKS: Final = re.compile(r"\n+")
_FOLD: Final = re.compile(r"\n[ \t]")
_WORDS_OF_CALENDAR: Final = ("SUMMARY", "LOCATION", "COMMENT", "DESCRIPTION")
_ESCAPES: Final = re.compile(r"\\([nN,;\\])")
_RICH: Final = {"nl": "\n", "lt": "<", "np": "\n\n", "/paragraph": "\n\n", "paragraph": "\n\n"}


def text_of(source: str) -> str:
    """The words of text/enriched. One line break joins lines, more of them are one less."""
    plain = _PARAMETER.sub("", source)
    plain = _COMMAND.sub(lambda found: "<" if found[1] == "<" else "", plain)
    return _BREAKS.sub(lambda found: " " if len(found[0]) == 1 else found[0][1:], plain).strip()


def rich_text_of(source: str) -> str:
    """The words of text/richtext, where line breaks mean nothing."""
    plain = _COMMAND.sub(lambda found: _RICH.get(found[1].rstrip(">").lower(), ""), _BREAKS.sub(" ", source))
    return "\n".join(line.strip() for line in plain.split("\n")).strip()


def words_of_calendar(source: str) -> str:
    """What people wrote into the events of text/calendar: name, place, comment, description."""
    said: list[str] = []
    for line in _FOLD.sub("", source).split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.partition(";")[0].upper() in _WORDS_OF_CALENDAR and value.strip():
            said.append(_ESCAPES.sub(lambda found: "\n" if found[1] in "nN" else found[1], value).strip())
    return "\n".join(dict.fromkeys(said))
