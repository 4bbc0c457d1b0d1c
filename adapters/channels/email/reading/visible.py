"""Which words of HTML somebody sees: those of hidden elements are no words of the mail. Pure, in linear time.

Preheaders and bait for programs stand in `display:none`, in letters of no size, in white on white. What can't be judged
(pictures behind words, colours by rules that aren't simple) counts as seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from adapters.channels.email.reading.markup import VOID, End, Start, Text, Token, ended_by

MOST_DEPTH: Final = 200
MOST_RULES: Final = 500
MOST_CSS_CHARS: Final = 100_000
_STYLE: Final = re.compile(r"<style(?=[\s>])[^>]{0,500}>", re.IGNORECASE)
_END: Final = re.compile(r"</style", re.IGNORECASE)
_BRACES: Final = re.compile(r"(?=[{}])")
_SIMPLE: Final = re.compile(r"\s*([a-z0-9]{0,20})([.#][\w-]{1,60})\s*", re.IGNORECASE)
_ZERO: Final = re.compile(r"0*(?:\.0*)?(?:px|pt|em|rem|ex|%|vh|vw)?")
_SMALL: Final = re.compile(r"(?:0?\.\d+|1)(?:px|pt)")
_AWAY: Final = re.compile(r"-\d{3,6}(?:px|pt|em|rem)?")
_HEX: Final = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")
_RGB: Final = re.compile(r"rgba?\((\d{1,3})[, ]+(\d{1,3})[, ]+(\d{1,3})(?:[,/ ]+([\d.]{1,6}))?\)")
_NAMED: Final = {"white": (255, 255, 255), "black": (0, 0, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240)}
_NEAR: Final = 12
"""Colours that differ by no more than this in each of red, green and blue can't be told apart."""

Colour = tuple[int, int, int]


class _Look(NamedTuple):
    """How an element's words look. `ground` is None where it can't be known."""

    is_gone: bool = False
    has_no_size: bool = False
    colour: Colour | None = (0, 0, 0)
    ground: Colour | None = (255, 255, 255)

    @property
    def is_seen(self) -> bool:
        if self.is_gone or self.has_no_size:
            return False
        if self.colour is None or self.ground is None:
            return True
        return any(abs(one - other) > _NEAR for one, other in zip(self.colour, self.ground, strict=True))


class Sheet:
    """The simple rules of a mail's own styles: one class or id each."""

    def __init__(self, source: str) -> None:
        self._rules: dict[str, dict[str, str]] = {}
        self.has_grounds = False
        """Whether any rule sets a background: then colours say nothing."""

        for css in _sheets(source):
            self._read(css)

    def of(self, tag: Start) -> dict[str, str]:
        """What is declared for an element, its own style last."""
        if not self._rules and "style" not in tag.attributes:
            return {}
        found: dict[str, str] = {}
        names = [f".{name}" for name in tag.attributes.get("class", "")[:500].split()]
        for name in (*names, f"#{tag.attributes.get('id', '')[:100]}"):
            found |= self._rules.get(name, {}) | self._rules.get(tag.name + name, {})
        return found | declared(tag.attributes.get("style", ""))

    def hides(self, tag: Start) -> bool:
        """Whether a rule takes an element away that its own style doesn't."""
        return bool(self._rules) and _is_gone(self.of(tag))

    def _read(self, css: str) -> None:
        for selectors, body in _outer(_BRACES.split(_uncommented(css))):
            properties = declared(body)
            self.has_grounds = self.has_grounds or any(name.startswith("background") for name in properties)
            for selector in selectors.split(","):
                simple = _SIMPLE.fullmatch(selector)
                if simple and len(self._rules) < MOST_RULES:
                    self._rules.setdefault(simple[1].lower() + simple[2], {}).update(properties)


def tokens(found: Iterable[Token], sheet: Sheet) -> Iterator[Token]:
    """The stream without the words, pictures and links of what is hidden; tags stay."""
    looks = [_Look()]
    names: list[str] = []
    for token in found:
        if isinstance(token, Text):
            if looks[-1].is_seen or token.text.isspace():
                yield token
            continue
        if isinstance(token, End):
            if token.name in names:
                stay = len(names) - 1 - names[::-1].index(token.name)
                del names[stay:], looks[stay + 1 :]
        else:
            stay = ended_by(token.name, names)
            del names[stay:], looks[stay + 1 :]
            look = _look(token, looks[-1], sheet)
            if token.name in VOID:
                if look.is_gone and token.name == "img":
                    continue
            elif len(names) < MOST_DEPTH:
                names.append(token.name)
                looks.append(look)
        yield token


def declared(style: str) -> dict[str, str]:
    """Properties of a style, in small letters."""
    found: dict[str, str] = {}
    for declaration in style[:4000].lower().split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            found[name.strip()] = value.replace("!important", "").strip()
    return found


def _look(tag: Start, around: _Look, sheet: Sheet) -> _Look:
    style = sheet.of(tag)
    ground = _ground(tag, style, around, sheet)
    colour = _colour(style.get("color", "") or (tag.attributes.get("color", "") if tag.name == "font" else ""))
    return _Look(
        is_gone=around.is_gone or "hidden" in tag.attributes or _is_gone(style),
        has_no_size=_has_no_size(style, around),
        colour=colour or around.colour,
        ground=ground,
    )


def _is_gone(style: dict[str, str]) -> bool:
    is_cut = style.get("overflow", style.get("overflow-y", "")) == "hidden"
    sizes = [style[name] for name in ("max-height", "height", "max-width", "width") if name in style]
    return (
        style.get("display") == "none"
        or style.get("visibility") in {"hidden", "collapse"}
        or style.get("mso-hide") == "all"
        or ("opacity" in style and _is_zero(style["opacity"]))
        or (is_cut and any(map(_is_zero, sizes)))
        or ("max-height" in style and _is_zero(style["max-height"]))
        or any(_AWAY.fullmatch(style.get(name, "")) for name in ("text-indent", "left", "margin-left", "top"))
        or style.get("color") == "transparent"
        or style.get("clip", "").replace(" ", "") in {"rect(0,0,0,0)", "rect(0000)", "rect(1px,1px,1px,1px)"}
    )


def _has_no_size(style: dict[str, str], around: _Look) -> bool:
    given = style.get("font-size") or style.get("font", "").split("/")[0].rpartition(" ")[2]
    if not given or given in {"inherit", "unset"}:
        return around.has_no_size
    if given.endswith(("em", "%")) and around.has_no_size and not given.endswith("rem"):
        return True
    return _is_zero(given) or _SMALL.fullmatch(given) is not None


def _is_zero(value: str) -> bool:
    return bool(value) and value[0] in "0." and _ZERO.fullmatch(value) is not None


def _ground(tag: Start, style: dict[str, str], around: _Look, sheet: Sheet) -> Colour | None:
    given = style.get("background-color") or style.get("background") or tag.attributes.get("bgcolor", "").lower()
    if sheet.has_grounds or "background-image" in style or "background" in tag.attributes:
        return None
    return _colour(given) if given and given not in {"none", "transparent", "inherit"} else around.ground


def _colour(value: str) -> Colour | None:
    value = value.strip().lower()
    if value in _NAMED:
        return _NAMED[value]
    if found := _HEX.fullmatch(value):
        digits = found[1] if len(found[1]) == 6 else "".join(2 * each for each in found[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if found := _RGB.fullmatch(value):
        return int(found[1]), int(found[2]), int(found[3])
    return None


def _sheets(source: str) -> Iterator[str]:
    at, room = 0, MOST_CSS_CHARS
    while room > 0 and (begin := _STYLE.search(source, at)):
        end = _END.search(source, begin.end())
        at = end.end() if end else len(source)
        css = source[begin.end() : end.start() if end else len(source)][:room]
        room -= len(css)
        yield css


def _outer(pieces: list[str]) -> Iterator[tuple[str, str]]:
    """Selectors and properties of rules that stand in no block, since those hold for some screens alone."""
    depth, pending, is_block = 0, "", False
    for piece in pieces:
        mark, body = (piece[0], piece[1:]) if piece[:1] in {"{", "}"} else ("", piece)
        if mark == "{":
            depth += 1
            is_block = is_block or pending.lstrip().startswith("@")
            if depth == 1 and not is_block:
                yield pending, body
        elif mark == "}":
            depth = max(0, depth - 1)
            is_block = is_block and depth > 0
        if depth == 0:
            pending = body


def _uncommented(css: str) -> str:
    out: list[str] = []
    at = 0
    while (begin := css.find("/*", at)) >= 0:
        out.append(css[at:begin])
        end = css.find("*/", begin + 2)
        at = end + 2 if end >= 0 else len(css)
    return "".join([*out, css[at:]])
