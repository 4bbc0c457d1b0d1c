"""How the time of a pattern or a function grows with what a stranger gives it.

`superlinear` doubles a hostile text until it takes long enough to be measured, and says at which doubling the time more
than trebled: a linear one doubles it, a quadratic one takes four times as long. Only the CPU time of this thread
counts, and a doubling that looks bad is measured again, so that a busy machine fails nothing.
"""

from __future__ import annotations

import gc
import re
import re._constants as ops
import re._parser as parser
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

Given = TypeVar("Given", str, bytes)

FLOOR_S: Final = 0.008
"""Less is noise: nothing is concluded from it."""

SHORT_S: Final = 0.0002
"""A first text that takes less is worth a look at the longest: one of cubic time would take seconds there, not days."""

FIRST: Final = 256
MOST: Final = 8 * 1024
MOST_RATIO: Final = 3.0
TRIES: Final = 3

RUNS: Final = (
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\t\n ",
    ">",
    "> ",
    ">\n",
    "<",
    "<a",
    "<!--",
    "</",
    "<a b='",
    "<p>",
    "</p>",
    "<div><p>",
    "&",
    "&amp;",
    "&#",
    "1",
    "1.",
    "12:34 ",
    "2024年1月",
    "a",
    "a ",
    "a.",
    "a@",
    "@",
    "a@b.c",
    "a@b.c,",
    "http://",
    "http://a",
    "http://a).",
    "http://a/.",
    "mailto:",
    ".",
    ",",
    "!)",
    ":",
    ";",
    "a=b;",
    "=",
    "=?utf-8?q?a?= ",
    "=?",
    "?",
    "-",
    "- ",
    "--\n",
    "_",
    "[",
    "[[",
    "]",
    "(",
    "()",
    ") (",
    "{",
    "{{",
    "{{ a",
    "}",
    '"',
    "'",
    '\\"',
    "\\",
    "/",
    "//",
    "%",
    "%41",
    "*",
    "~",
    "`",
    "|",
    "$",
    "^",
    "+",
    "\0",
    "\x1e\n",
    "\u3000",
    "写",
    "写道：",
    "On a wrote:\n",
    "From: a\n",
    "From: a\nTo: b\n",
    "--a\n",
    "\n--a",
    "a: b\n",
    "\U0001f468\u200d",
    "e\u0301",
)
"""What is repeated until the text is long enough."""

ENDS: Final = ("", "\x01")
"""What follows the run: many patterns fail only at what doesn't fit."""


def texts(pattern: str | bytes | None = None, flags: int = 0) -> Iterator[tuple[str, str, str]]:
    """(before, run, after) of hostile texts, with those that a pattern itself suggests: each piece of an example of it
    repeated behind what leads there.
    """
    for run in RUNS:
        for end in ENDS:
            yield "", run, end
    if pattern is None:
        return
    source = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    seen = set()
    for pieces in _examples(parser.parse(source, flags & ~re.UNICODE if isinstance(pattern, bytes) else flags)):
        for index in range(len(pieces)):
            before, piece = "".join(pieces[:index]), pieces[index]
            for lead, run in (
                (before, piece),
                ("", before + piece),
                (before, piece + " "),
                ("", before + piece + "\n"),
            ):
                if run and (lead, run) not in seen:
                    seen.add((lead, run))
                    yield lead, run, "\x01"
                    yield lead, run, "".join(pieces[index + 1 :])


def _examples(tree: Any, most: int = 40) -> list[list[str]]:
    """Texts that a pattern fits, each in pieces; one for each branch."""
    found: list[list[str]] = [[]]
    for op, value in tree:
        branches = _pieces(op, value)
        found = [[*head, *tail] for head in found for tail in branches][:most]
    return found


def _pieces(op: Any, value: Any) -> list[list[str]]:  # noqa: PLR0911 - a branch for each operation
    if op is ops.LITERAL:
        return [[chr(value)]]
    if op in {ops.NOT_LITERAL, ops.ANY}:
        return [["a"], [" "], ["-"]]
    if op is ops.IN:
        return [[each] for each in _members(value)]
    if op is ops.BRANCH:
        return [each for branch in value[1] for each in _examples(branch, 6)]
    if op is ops.SUBPATTERN:
        return [["".join(each)] if len(each) > 3 else each for each in _examples(value[-1], 12)]
    if op in {ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT}:
        least, most, inner = value
        some = _examples(inner, 12)
        return [["".join(each) * max(1, least)] for each in some] if most else [[]]
    if op is ops.ATOMIC_GROUP:
        return _examples(value, 12)
    return [[]]


def _members(members: Any) -> list[str]:
    """A few characters of a class; of one that is negated, some that it leaves in."""
    given, is_negated = [], False
    for op, value in members:
        if op is ops.NEGATE:
            is_negated = True
        elif op is ops.LITERAL:
            given.append(chr(value))
        elif op is ops.RANGE:
            given.append(chr(value[0]))
        elif op is ops.CATEGORY:
            given += {ops.CATEGORY_DIGIT: ["1"], ops.CATEGORY_SPACE: [" ", "\n"]}.get(value, ["a"])
    if is_negated:
        return [each for each in "a -\n@.<" if each not in given][:4]
    return given[:5]


def long(before: str, run: str, after: str, size: int) -> str:
    """The text with about `size` characters."""
    return before + run * max(1, size // len(run)) + after


def superlinear(
    act: Callable[[Given], object],
    made: Callable[[int], Given],
    *,
    most: int = MOST,
    most_s: float = 2.0,
    has_bound: bool = True,
) -> str:
    """At which doubling the time more than trebled, empty if at none up to `most` characters.

    `has_bound`: `act` may refuse a long text at once, so that each size is tried. Without one the longest takes the
    longest: if that is too short to conclude from, so are the others.
    """
    size = FIRST
    before = spent(act, made(size), 1)
    if not has_bound and before < SHORT_S and spent(act, made(most), 1) <= FLOOR_S:
        return ""
    while size < most:
        size *= 2
        given = made(size)
        after = spent(act, given, 1)
        if after > FLOOR_S and after > MOST_RATIO * max(before, FLOOR_S / 8):
            before = spent(act, made(size // 2), TRIES)
            after = spent(act, given, TRIES)
            if after > FLOOR_S and after > MOST_RATIO * max(before, FLOOR_S / 8):
                return f"{size // 2} characters {before * 1000:.1f} ms, {size} characters {after * 1000:.1f} ms"
        if after > most_s:
            return f"{size} characters {after * 1000:.0f} ms"
        before = after
    return ""


def spent(act: Callable[[Given], object], given: Given, tries: int) -> float:
    """CPU seconds of this thread for one call, the best of `tries`."""
    best = float("inf")
    for _ in range(tries):
        gc.disable()
        begin = time.thread_time()
        act(given)
        best = min(best, time.thread_time() - begin)
        gc.enable()
    return best


def faults(
    acts: Sequence[tuple[str, Callable[[str], object]]], given: Sequence[tuple[str, str, str]]
) -> Iterator[tuple[str, tuple[str, str, str], str]]:
    """(name, text, what was seen) of each that isn't linear; the first text of each is enough."""
    for name, act in acts:
        for before, run, after in given:
            told = superlinear(act, lambda size, text=(before, run, after): long(*text, size))  # type: ignore[misc]
            if told:
                yield name, (before, run, after), told
                break
