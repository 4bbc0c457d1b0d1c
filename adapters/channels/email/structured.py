"""The pieces of a structured header (RFC 5322, 2.2.2), such as mailboxes or parameters: pure, linear."""

from __future__ import annotations


def pieces(text: str, separators: str) -> list[tuple[str, str]]:
    """Pieces and what ends each (nothing, the last), between separators outside of quotes, comments and brackets."""
    found: list[tuple[str, str]] = []
    start, depth, is_quoted, is_escaped, in_bracket = 0, 0, False, False, False
    for index, character in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif character == "\\":
            is_escaped = True
        elif character == '"' and not depth:
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif character in "()":
            depth = max(0, depth + (1 if character == "(" else -1))
        elif character in "<>":
            in_bracket = character == "<"
        elif not depth and not in_bracket and character in separators:
            found.append((text[start:index], character))
            start = index + 1
    return [*found, (text[start:], "")]
