"""Text of format=flowed (RFC 3676) as whole paragraphs: pure."""

from __future__ import annotations


def unflow(text: str, *, delete_space: bool) -> str:
    """Lines that end with a space go on in the next, at the same depth of quotation. `delete_space`: DelSp=yes."""
    lines: list[str] = []
    pending = ""
    pending_depth = -1
    for line in text.split("\n"):
        stripped = line.lstrip(">")
        depth = len(line) - len(stripped)
        content = stripped.removeprefix(" ")
        if pending_depth != depth and pending_depth >= 0:
            lines.append(_quoted(pending_depth, pending))
            pending, pending_depth = "", -1
        # The line before a signature ends with a space that means nothing.
        if content.endswith(" ") and content != "-- ":
            pending += content[:-1] if delete_space else content
            pending_depth = depth
        elif content == "-- " and pending_depth >= 0:
            lines += [_quoted(pending_depth, pending), _quoted(depth, content)]
            pending, pending_depth = "", -1
        else:
            lines.append(_quoted(depth, pending + content))
            pending, pending_depth = "", -1
    return "\n".join([*lines, _quoted(pending_depth, pending)] if pending_depth >= 0 else lines)


def _quoted(depth: int, line: str) -> str:
    return "> " * depth + line.rstrip() if line != "-- " else "> " * depth + line
