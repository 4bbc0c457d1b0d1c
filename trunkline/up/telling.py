"""Tells a child what the others do: a line of JSON at each change, on its standard input. Standard library alone.

It never blocks: a child that hangs and doesn't read gets the latest line once it reads again, and none in between.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trunkline.up.child import Child


class Ear:
    """The writing end of a pipe to a child that hears."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._told = b""
        self._rest = b""

    @property
    def is_behind(self) -> bool:
        """Whether the child hasn't taken what it was told."""
        return bool(self._rest)

    def tell(self, line: bytes) -> None:
        """Tell it `line`, unless that is what it was told last. A child that is gone hears nothing."""
        if line == self._told and not self._rest:
            return
        try:
            if self._rest:
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]
            if not self._rest:
                self._told, self._rest = line, line
                self._rest = line[os.write(self._descriptor, line) :]
        except BlockingIOError:
            return
        except OSError:
            self._told, self._rest = line, b""

    def close(self) -> None:
        """Tell it nothing more."""
        os.close(self._descriptor)


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
