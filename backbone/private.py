"""Files and folders of ours that nobody else on the machine may read. Standard library alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

UMASK: Final = 0o077
"""What a process of ours makes is its user's alone, whatever the shell or service that started it says."""

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class OpenFolderError(Exception):
    """A folder is open to others and isn't ours to close; the message says whose it is and what to do."""


def keep_to_ourselves() -> None:
    """From here on, what this process and its children write is readable by their user alone."""
    os.umask(UMASK)


def close_to_others(folder: Path) -> bool:
    """Take from others what `folder`, which is there, lets them do; whether it let them. What is in it is safe then.

    Raises OpenFolderError where it belongs to somebody else.
    """
    found = folder.stat()
    if not found.st_mode & OTHERS:
        return False
    mode = f"{stat.S_IMODE(found.st_mode):04o}"
    if found.st_uid != os.geteuid():
        raise OpenFolderError(
            f"{folder} is open to others (mode {mode}) and belongs to user {found.st_uid}, not to us: "
            f"`chown {os.geteuid()} {folder} && chmod 700 {folder}`, or give another folder."
        )
    folder.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    return True
