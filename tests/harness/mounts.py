"""A file system of its own for a test, that can be filled without harm to anything else."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

BLOCK = 1024 * 1024


@contextlib.contextmanager
def disk(folder: Path, mib: int) -> Iterator[Path]:
    """An ext4 file system of `mib` MiB on a loop device, mounted below `folder` for as long as the block lasts."""
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(mib * BLOCK)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    mounting = subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], capture_output=True, check=False)
    if mounting.returncode:
        pytest.skip(f"no loop device can be mounted here: {mounting.stderr.decode().strip()}")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)
        image.unlink()


def free_bytes(mounted: Path) -> int:
    """What may still be written."""
    found = os.statvfs(mounted)
    return found.f_bavail * found.f_frsize


def fill(file: Path, leave: int = 0) -> None:
    """Writes `file` until only `leave` bytes are free; 0: until a write finds no room."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as out:
        while (left := free_bytes(file.parent) - leave) > 0 or not leave:
            out.write(bytes(min(BLOCK, left) if leave else BLOCK))
    if not leave:
        # What is left of the last block goes too.
        with contextlib.suppress(OSError), file.open("ab", buffering=0) as out:
            while True:
                out.write(bytes(4096))
