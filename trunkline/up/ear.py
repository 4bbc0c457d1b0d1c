"""The pipe to a child's standard input, by which it is told what the others do. Standard library alone.

It never blocks: a child that hangs and doesn't read gets the latest line once it reads again, and none in between.
"""

from __future__ import annotations

import os


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
