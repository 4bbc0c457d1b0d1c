"""Settings that nothing reads: a misspelt name is refused with the nearest right one, instead of being ignored."""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from backbone.settings import CONFIG, PREFIX, variable
from trunkline.adapter_names import others
from trunkline.reference import sections

EXIT_CONFIG: Final = 78

OWN: Final = frozenset(
    {
        CONFIG,
        *(
            f"{PREFIX}{name}"
            for name in ("DATA", "ADMIN_EMAIL", "ADMIN_PASSWORD", "CONSOLE", "FAILPOINT", "FAILPOINTS")
        ),
        *(
            f"{PREFIX}NATS_{name}"
            for name in ("LISTEN", "MONITOR", "STORE", "SYNC", "NAME", "CLUSTER", "ROUTES", "DISK_PASSWORD")
        ),
    }
)
"""What the command line and nats-server read themselves."""

RETIRED: Final = {
    "TRUNKLINE_NODE_METRICS_ALLOW": "a node's own port has no /metrics any more; TRUNKLINE_HEALTH_HOST and "
    "TRUNKLINE_HEALTH_PORT say where it is read"
}
"""Names that counted once, and what does now."""

_LINKED: Final = re.compile(r"_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?$")
"""What Kubernetes puts into the environment beside a service of our name (`enableServiceLinks`)."""


def refuse() -> None:
    """Ends the process with code 78 and a sentence for each setting that nothing reads."""
    if found := problems(os.environ):
        sys.stderr.write("".join(f"trunkline: {sentence}\n" for sentence in found))
        sys.exit(EXIT_CONFIG)


def begins_a_setting(name: str) -> bool:
    """Whether settings of ours begin as those of an adapter `name` would, so that nobody could tell them apart."""
    fields = {variable(section.name, f.name) for section in sections() for f in msgspec.structs.fields(section.kind)}
    prefix = f"{PREFIX}{name.upper()}"
    return any(one == prefix or one.startswith(f"{prefix}_") for one in OWN | fields)


def problems(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each setting of the environment and of the file of settings that nothing reads."""
    known: dict[str, set[str]] = {}
    for section in sections():
        known.setdefault(section.name, set()).update(field.name for field in msgspec.structs.fields(section.kind))
    # An adapter of another package knows its own settings, and refuses others at its start (`follow.start`).
    foreign = tuple(name for name in others() if name not in known and not begins_a_setting(name))
    theirs = {name: value for name, value in environ.items() if name.startswith(tuple(map(_prefix, foreign)))}
    ours = {name: value for name, value in environ.items() if name not in theirs}
    return [*_in_environment(ours, known), *_in_file(environ.get(CONFIG, ""), known, foreign)]


def _prefix(name: str) -> str:
    return variable(name, "")


def _in_environment(environ: Mapping[str, str], known: Mapping[str, set[str]]) -> list[str]:
    names = OWN | {variable(section, field) for section, fields in known.items() for field in fields}
    found = (name for name in environ if name.startswith(PREFIX) and not _LINKED.search(name))
    strays = (name for name in sorted(found) if name.removesuffix("_FILE") not in names and name not in names)
    return [
        f"{name} is no setting any more: {RETIRED[name]}."
        if name in RETIRED
        else f"{name} is no setting{_nearest(name, names)}"
        for name in strays
    ]


def _in_file(path: str, known: Mapping[str, set[str]], foreign: Collection[str] = ()) -> list[str]:
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        # Whoever reads it next says what is wrong with it.
        return []
    found = []
    for key, value in content.items():
        if not isinstance(value, dict):
            found += _unknown(path, "", [key], known[""])
        elif key in foreign:
            continue
        elif key not in known or not key:
            found.append(f"[{key}] in {path} is no section of settings{_nearest(key, known)}")
        else:
            found += _unknown(path, key, value, known[key])
    return found


def _unknown(path: str, section: str, keys: Iterable[Any], known: set[str]) -> list[str]:
    where = f"[{section}] in {path}" if section else path
    return [f"{key} of {where} is no setting{_nearest(key, known)}" for key in keys if key not in known]


def _nearest(name: str, known: Iterable[str]) -> str:
    # One that lacks its process's part, or else the one that is spelt most like it.
    ends = sorted(one for one in known if one.endswith(f"_{name.removeprefix(PREFIX)}"))
    near = ends or difflib.get_close_matches(name, [one for one in known if one], 1, 0.5)
    return f"; did you mean {near[0]}? See docs/settings.md." if near else ". See docs/settings.md."
