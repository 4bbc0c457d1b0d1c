"""The lines above a quoted mail: `On ... wrote:`, a block of headers, a drawn line with words. Pure, in linear time."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from adapters.channels.email import languages

MOST_CHARS: Final = 400
_BIDI: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
_DATE: Final = re.compile(r"\d{1,4}[年./-]\s?\d{1,2}|\d{1,2}[:.]\d{2}|\d{1,2}月|(?<!\d)(?:19|20|25)\d{2}(?!\d)")
MAILBOX: Final = re.compile(r"(?<![\w.+'-])[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_VERB: Final = re.compile(
    r"(?<!\w)(?:" + "|".join(map(re.escape, languages.WROTE)) + r")(?!\w)|" + "|".join(languages.WROTE_WITHOUT_SPACES)
)
_OPENER: Final = re.compile(
    r"(?:On|At|Am|V|Le|El|Il|Op|Den|Em|Dnia|W dniu|Dne|Dňa|În|La|Vào|Στις|Pada|Il giorno|בתאריך|في|ในวันที่|ב-)(?!\w)"
    r"|在|于|於|\d{1,4}[年년./-]|[^\W\d]{2,10}[.,]{0,2} \d{1,2}[., ]"
)
_SENDER: Final = re.compile(r"[^<>]{0,80}<[^\s<>@]{1,64}@[^\s<>@]{1,255}>[^<>]{0,40}")
_ENDS: Final = (":", "：")
_ZOHO: Final = re.compile(r"-{2,8}[^-].{0,380}[^-] ?-{2,8}")
_GROUPWISE: Final = re.compile(r">>> ?[^>]{1,200}(?:<[^<>\s]{1,250}>)? [^>]{0,80}>>> ?")
_LINE: Final = r"[-_—=*\s]{2,}"
_SEPARATOR: Final = re.compile(rf"{_LINE}(?:{'|'.join(map(re.escape, languages.SEPARATORS))}){_LINE}", re.IGNORECASE)
_FORWARD: Final = re.compile(
    rf"{_LINE}(?:{'|'.join(map(re.escape, languages.FORWARDS))}){_LINE}.*"
    rf"|(?:{'|'.join(map(re.escape, languages.FORWARD_LINES))})\s?[:：]",
    re.IGNORECASE,
)
_FIELD: Final = re.compile(r"[*\s|]{0,8}([^\W\d_][^:：|*\n]{0,24})[*\s]{0,4}[:：|](.*)")
_ROLES: Final[dict[str, frozenset[str]]] = {
    name.lower(): frozenset(
        f"{language} {role}"
        for language, names in languages.HEADERS.items()
        for role, written in names._asdict().items()
        if name in written
    )
    for every in languages.HEADERS.values()
    for written in every
    for name in written
} | {name: frozenset(f"{language} copy" for language in languages.HEADERS) for name in ("cc", "bcc")}
MOST_LINES: Final = 12


class Introduction(NamedTuple):
    """So many lines, and who they say wrote. `is_sure`: also where nothing marks what is below."""

    length: int
    senders: tuple[str, ...]
    is_sure: bool


def of(lines: list[str], index: int) -> Introduction | None:
    """What introduces a quoted mail from this line on, None if nothing does."""
    if not lines[index].strip():
        return None
    return _wrote(lines, index) or _fields(lines, index) or _drawn(lines, index)


def is_forward(line: str) -> bool:
    """Whether it is the line above a mail that is passed on."""
    return len(line) <= MOST_CHARS and bool(_FORWARD.fullmatch(line.strip()))


def introduces(line: str) -> bool:
    """Whether one line is such as `On ... wrote:`."""
    return _told(line) is not None


def _told(line: str) -> Introduction | None:
    """By shape: a colon at the end, and two of a date, an address and a verb of the table."""
    if len(line) > MOST_CHARS:
        return None
    said = _BIDI.sub("", line).strip()
    if said.endswith(_ENDS):
        boxes = tuple(each.lower() for each in MAILBOX.findall(said))
        proofs = bool(boxes) + bool(_DATE.search(said)) + bool(_VERB.search(said))
        return Introduction(1, boxes, bool(boxes)) if proofs > 1 else None
    if _GROUPWISE.fullmatch(said) or (_ZOHO.fullmatch(said) and _VERB.search(said)):
        boxes = tuple(each.lower() for each in MAILBOX.findall(said))
        return Introduction(1, boxes, is_sure=True) if boxes or _DATE.search(said) else None
    return None


def _wrote(lines: list[str], index: int) -> Introduction | None:
    """It may be broken twice."""
    first = _BIDI.sub("", lines[index][:MOST_CHARS]).strip()
    if told := _told(first):
        return told
    if not _OPENER.match(first) and not _SENDER.fullmatch(first):
        return None
    some = [first]
    for line in lines[index + 1 : index + 3]:
        some.append(line.strip())
        if not some[-1] or line.startswith(">") or sum(map(len, some)) > MOST_CHARS:
            return None
        if told := _told(" ".join(some)):
            # Where the lines below are one by themselves, the first is a line of the answer, or names the sender.
            ends = (" ".join(some[since:]) for since in range(1, len(some)))
            is_less = any(_OPENER.match(end) and introduces(end) for end in ends)
            return None if is_less and not _SENDER.fullmatch(first) else told._replace(length=len(some))
    return None


def _fields(lines: list[str], index: int) -> Introduction | None:
    """The headers of a quoted mail, as Outlook and others write them, in one language: three, one of which says who
    wrote, with an address among them; or sender, date, receiver and subject.
    """
    roles = _roles(lines[index])
    if not any(each.endswith((" sender", " date")) for each in roles):
        return None
    found, length, block = [roles], 1, [lines[index]]
    for line in lines[index + 1 : index + MOST_LINES]:
        roles = _roles(line)
        if roles:
            found.append(roles)
        elif len(found) > (2 if line.strip() else 3):
            break
        length += 1
        block.append(line)
    return _judged(found, length, block)


def _judged(found: list[frozenset[str]], length: int, block: list[str]) -> Introduction | None:
    for language in languages.HEADERS:
        named = {role for roles in found for role in roles if role.startswith(language + " ")}
        kinds = {role.rpartition(" ")[2] for role in named}
        if len(kinds) < 3 or "sender" not in kinds:
            continue
        senders = tuple(
            box.lower()
            for line in block
            if f"{language} sender" in _roles(line)
            for box in MAILBOX.findall(line[:MOST_CHARS])
        )
        has_address = any(MAILBOX.search(line[:MOST_CHARS]) for line in block)
        is_dated = any(_DATE.search(line[:MOST_CHARS]) for line in block if f"{language} date" in _roles(line))
        if has_address or (is_dated and {"sender", "date", "to", "subject"} <= kinds):
            return Introduction(length, senders, is_sure=True)
    return None


def _roles(line: str) -> frozenset[str]:
    field = _FIELD.match(_BIDI.sub("", line[:MOST_CHARS]))
    return _ROLES.get(field[1].strip().lower(), frozenset()) if field else frozenset()


def _drawn(lines: list[str], index: int) -> Introduction | None:
    line = lines[index]
    if len(line) > MOST_CHARS or not _SEPARATOR.fullmatch(line):
        return None
    below = [at for at in range(index + 1, min(len(lines), index + 4)) if lines[at].strip()]
    fields = _fields(lines, below[0]) if below else None
    return Introduction(1, fields.senders if fields else (), is_sure=True)
