"""What somebody wrote in a mail, without the mails that they answer, and without their signature: pure.

A quotation is cut with evidence alone: the mail answers something, and what is cut is marked (by `>`, by the mail
program's HTML), or introduced by who wrote it. Words below a marked one belong to the answer. In doubt nothing is cut:
what a customer wrote must not be lost, while a quotation too much is only long.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from adapters.channels.email import languages
from adapters.channels.email.reading import attribution, signature
from adapters.channels.email.reading.plain import QUOTE, UNQUOTE

_PREFIX: Final = re.compile(r"\s{0,10}([^\W\d_][^:：\[\]\n]{0,14}?)\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：]")
_RULE: Final = re.compile(r"[-_—=]{8,}")
_PGP: Final = ("-----BEGIN PGP SIGNED MESSAGE-----\n", "-----BEGIN PGP SIGNATURE-----")
_INTRODUCTION_LINES: Final = 6


class Sides(NamedTuple):
    """Whose words a mail may quote: addresses and domains in small letters. `answers`: whether it answers anything."""

    answers: bool
    ours: frozenset[str]
    others: frozenset[str] = frozenset()

    def knows(self, address: str) -> bool:
        """Whether it is one of ours, of the sender's, or of those whom the mail goes to."""
        return self.is_ours(address) or not {address, address.rpartition("@")[2]}.isdisjoint(self.others)

    def is_ours(self, address: str) -> bool:
        """Whether it is one of ours."""
        return not {address, address.rpartition("@")[2]}.isdisjoint(self.ours)


class Cut(NamedTuple):
    """The words that were written for this mail, and all others of it."""

    shown: str
    hidden: str


def answers(subject: str) -> bool:
    """Whether a subject says that the mail is an answer."""
    return _prefix(subject) in languages.ANSWERS


def is_passed_on(subject: str) -> bool:
    """Whether a subject says that the mail passes another on."""
    return _prefix(subject) in languages.PASSED_ON


def cut(text: str, sides: Sides, subject: str = "") -> Cut:
    """The text that was written for this mail, and what was cut from it."""
    lines = _unarmoured(text).split("\n")
    dropped = set[int]() if is_passed_on(subject) else _quoted(lines, sides)
    marks = {index for index, line in enumerate(lines) if line in {QUOTE, UNQUOTE}}
    if dropped and not any(lines[index].strip() for index in range(len(lines)) if index not in dropped | marks):
        dropped = set()
    groups = _groups(lines, dropped, marks)
    kept: list[str] = []
    for group in groups:
        said = signature.without(group, is_below=bool(kept)) if any(map(str.strip, group)) else []
        kept += [*([""] if kept and said else []), *said] if dropped else said
    whole = [line.rstrip() for index, line in enumerate(lines) if index not in marks]
    return Cut(_joined(kept), _rest(whole, [line.rstrip() for line in kept]))


def _prefix(subject: str) -> str:
    found = _PREFIX.match(subject)
    return found[1].strip().lower() if found else ""


def _unarmoured(text: str) -> str:
    """The text within an OpenPGP cleartext signature (RFC 9580, 7)."""
    begin = text.find(_PGP[0])
    end = text.find(_PGP[1], begin)
    if begin < 0 or end < 0:
        return text
    _, _, signed = text[begin + len(_PGP[0]) : end].partition("\n\n")
    return text[:begin] + re.sub(r"(?m)^- ", "", signed)


def _groups(lines: list[str], dropped: set[int], marks: set[int]) -> list[list[str]]:
    """Runs of lines that stay: above what is cut, and below it."""
    groups: list[list[str]] = [[]]
    for index, line in enumerate(lines):
        if index in dropped:
            if groups[-1]:
                groups.append([])
        elif index not in marks:
            groups[-1].append(line)
    return [_bare(group) for group in groups]


def _bare(group: list[str]) -> list[str]:
    begin = 0
    while begin < len(group) and not group[begin].strip():
        begin += 1
    return group[begin:]


def _quoted(lines: list[str], sides: Sides) -> set[int]:
    """The lines of quotations and of what introduces them; none in doubt."""
    marked = _marked(lines)
    dropped: set[int] = set()
    is_certain = sides.answers
    index = 0
    while index < len(lines):
        if _forwards(lines, index):
            break
        if index in marked:
            dropped.add(index)
            index += 1
            continue
        told = attribution.of(lines, index)
        if told and any(not sides.knows(each) for each in told.senders[:1]):
            # Words of somebody else's are the reason for the mail.
            break
        if told:
            below = _next(lines, index + told.length)
            is_marked = below in marked
            if is_marked or (told.is_sure and not _is_told_by_the_sender(lines, index)):
                is_certain = is_certain or any(map(sides.is_ours, told.senders))
                end = below if is_marked else len(lines)
                dropped.update(range(min(_before_rule(lines, index), _before_address(lines, index)), end))
                index = end
                continue
        index += 1
    if not is_certain or _is_interleaved(lines, marked, dropped):
        return set()
    return dropped


def _is_told_by_the_sender(lines: list[str], index: int) -> bool:
    """Whether the line goes on in the next: a sentence that names an address, no introduction."""
    following = lines[index + 1].strip() if index + 1 < len(lines) else ""
    return following.startswith(('"', "“", "„", "«", "「"))


def _marked(lines: list[str]) -> set[int]:
    """The lines behind `>`, and those that a mail program's HTML marks as quoted."""
    found = {index for index, line in enumerate(lines) if _is_behind(line)}
    index = 0
    while index < len(lines):
        if lines[index] != QUOTE:
            index += 1
            continue
        end = _region_end(lines, index)
        first = next((at for at in range(index, end) if _is_behind(lines[at])), -1)
        if not any(_forwards(lines, at) for at in range(index, min(end, index + _INTRODUCTION_LINES))):
            if first < 0:
                found.update(range(index, end))
            elif sum(bool(each.strip()) for each in lines[index:first]) <= _INTRODUCTION_LINES:
                found.update(range(index, first))
        index = end
    return found


def _is_behind(line: str) -> bool:
    return line.startswith(">") and not line.startswith(">>> ")


def _region_end(lines: list[str], index: int) -> int:
    """Behind the mark that ends what this one begins; the end where none does, or another begins before."""
    for at in range(index + 1, len(lines)):
        if lines[at] == UNQUOTE:
            return at + 1
    return len(lines)


def _forwards(lines: list[str], index: int) -> bool:
    return attribution.is_forward(lines[index].lstrip("> "))


def _next(lines: list[str], index: int) -> int:
    """The next line with words."""
    while index < len(lines) and not lines[index].strip():
        index += 1
    return index


def _before_rule(lines: list[str], index: int) -> int:
    """The line drawn above an introduction, if there is one."""
    above = index - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and _RULE.fullmatch(lines[above].strip()) else index


def _before_address(lines: list[str], index: int) -> int:
    """The name above an introduction that was broken before its address."""
    is_broken = lines[index].startswith("<") and index and lines[index - 1].strip()
    return index - 1 if is_broken and (index < 2 or not lines[index - 2].strip()) else index


def _is_interleaved(lines: list[str], marked: set[int], dropped: set[int]) -> bool:
    """Whether answers stand between the quoted lines."""
    quoted = sorted(each for each in marked if lines[each].strip(" >") and lines[each] not in {QUOTE, UNQUOTE})
    if not quoted:
        return False
    between = range(quoted[0], quoted[-1])
    return any(lines[each].strip() and each not in dropped and lines[each] not in {QUOTE, UNQUOTE} for each in between)


def _rest(whole: list[str], kept: list[str]) -> str:
    """The lines that aren't kept. Those that are stand in the whole in their order."""
    rest: list[str] = []
    at = 0
    for line in whole:
        while at < len(kept) and not kept[at]:
            at += 1
        if at < len(kept) and kept[at] == line:
            at += 1
        else:
            rest.append(line)
    return "\n".join(rest).strip("\n ")


def _joined(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")
