"""Which tests stay together where several workers share them, and which begin."""

from __future__ import annotations

from typing import Final

import pytest

TOGETHER: Final = ("tests/e2e/",)
"""Folders whose files share a system."""

BY_PARAMETER: Final = ("tests/conformance/",)
"""Folders whose files share a system for each value of their tests' first parameter."""

SHORT: Final = ("tests/unit/", "tests/contract/")
"""Folders of files that take seconds."""


def group_of(nodeid: str) -> str:
    """The name of the tests that must run on the same worker as this one."""
    for folder in TOGETHER:
        if nodeid.startswith(folder):
            return folder
    file, _, test = nodeid.partition("::")
    if file.startswith(BY_PARAMETER) and "[" in test:
        return test.partition("[")[2].rstrip("]").partition("-")[0]
    return file


def long_first(items: list[pytest.Item]) -> None:
    """What is short comes last, so that no worker waits long for another, and what stays together comes first.

    Files of a folder follow each other, else in the order that they have: the system that they share ends with the
    folder. Idle ones that lived until the end of the run took a third of its CPU time.
    """
    seen: dict[str, int] = {}
    for item in items:
        seen.setdefault(_folder(item), len(seen))
    items.sort(
        key=lambda item: (
            item.nodeid.startswith(SHORT),
            not item.nodeid.startswith((*TOGETHER, *BY_PARAMETER)),
            seen[_folder(item)],
        )
    )


def _folder(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0].rpartition("/")[0]
