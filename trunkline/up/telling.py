"""What a child that hears is told of the others: a line of JSON at each change. Standard library alone."""

from __future__ import annotations

import json
from collections.abc import Iterable

from trunkline.up.child import Child


def tell(children: Iterable[Child]) -> bool:
    """Tell those that hear what all do; returns whether one of them is behind with that."""
    children = list(children)
    ears = [child.ear for child in children if child.ear is not None]
    line = lines(children) if ears else b""
    for ear in ears:
        ear.tell(line)
    return any(ear.is_behind for ear in ears)


def lines(children: Iterable[Child]) -> bytes:
    """What a child that hears is told: name, process and port of each child that is kept, and how often it was
    started again. One that is replaced counts as the one that follows it as soon as that one works.
    """
    kept = [child for child in children if child.keep]
    told = [
        {
            "name": child.part.name,
            "pid": child.process.pid if child.process is not None else 0,
            "port": child.words.get("health_port", 0),
            # Who hears this is who asks: not itself.
            "reports": child.part.reports and not child.part.hears,
            "restarts": child.restarts,
        }
        for child in kept
    ]
    return json.dumps({"processes": told}).encode() + b"\n"
