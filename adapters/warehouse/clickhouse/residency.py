"""Gives the engine's code back to the page cache while nobody uses it.

chDB's library maps some 500 MB, and its start alone touches 190 MB of it: clean pages of a file, more than half of
this process's resident memory on a quiet machine. Dropped from the process they stay in the system's page cache as
long as there is room, and come back by minor faults: five loads and queries right after took 79 ms, five more 74.
"""

from __future__ import annotations

import asyncio
import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

LOOK_S: Final = 15.0
"""Without a load or a question for so long the engine is quiet; its look at its parts each 10 s needs little."""

MADV_DONTNEED: Final = 4
MAPS: Final = Path("/proc/self/smaps")

# Of a mapping: its range, its rights, and its pages that are no longer the file's.
_MAPPING: Final = re.compile(
    r"^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +\S*/_chdb[^/\n]*\n"
    r"(?:(?![0-9a-f]+-)[^\n]*\n)*?Anonymous: +(\d+) kB$",
    re.MULTILINE,
)


async def give_back_when_quiet(work_done: Callable[[], object]) -> None:
    """Looks on until cancelled; each quiet time gives back once. `work_done`: another value after each work."""
    seen = work_done()
    is_given_back = False
    while True:
        await asyncio.sleep(LOOK_S)
        if (now := work_done()) != seen:
            seen, is_given_back = now, False
        elif not is_given_back:
            is_given_back = True
            await asyncio.to_thread(give_back)


def give_back() -> int:
    """Drops the pages of chDB's code and constants from this process; returns the bytes of address space, or 0.

    Mappings that nobody may write and that no relocation wrote into: what is dropped is what the file holds.
    """
    if not MAPS.exists():
        return 0
    libc = ctypes.CDLL(None)
    size = 0
    for low, high, written in _MAPPING.findall(MAPS.read_text()):
        begin, end = int(low, 16), int(high, 16)
        if written == "0" and libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), MADV_DONTNEED) == 0:
            size += end - begin
    return size
