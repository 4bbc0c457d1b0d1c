"""Whether every value of a platform's payload is somewhere in the event that it became."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from backbone.channel import Event


def lost(payload: Any, events: list[Event], left_out: Mapping[str, str]) -> list[tuple[str, Any]]:
    """(path, value) of each text and number of `payload` that no event holds, but those that `left_out` names: reasons
    by patterns of paths. What is kept raw as a file (`raw` of an unsupported kind) holds everything.
    """
    said = "\n".join(_strings([msgspec.to_builtins(one) for one in events]))
    return [
        (path, value)
        for path, value in _leaves(payload, "")
        if not any(re.fullmatch(pattern, path) for pattern in left_out) and _as_text(value) not in said
    ]


def _leaves(found: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(found, Mapping):
        for name, value in found.items():
            yield from _leaves(value, f"{path}.{name}" if path else str(name))
    elif isinstance(found, list):
        for n, value in enumerate(found):
            yield from _leaves(value, f"{path}.{n}")
    elif isinstance(found, bool) or found is None or found == "":
        return
    elif isinstance(found, str) and found[0] in "{[":
        # JSON within JSON, such as a form's answers.
        yield from _leaves(msgspec.json.decode(found), path)
    else:
        yield path, found


def _strings(found: Any) -> Iterator[str]:
    if isinstance(found, Mapping):
        for name, value in found.items():
            yield str(name)
            yield from _strings(value)
    elif isinstance(found, list | tuple):
        for value in found:
            yield from _strings(value)
    elif not isinstance(found, bool) and found is not None:
        yield _as_text(found)


def _as_text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
