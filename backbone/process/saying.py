"""A line of log by a program without structlog, in the form and with the keys of all others. Standard library alone."""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import UTC, datetime
from typing import Literal

Level = Literal["info", "warning", "error"]


def is_json(log_format: str) -> bool:
    """Whether lines are JSON: `auto` is text in a terminal and JSON elsewhere."""
    return log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())


def line(process: str, sentence: str, level: Level = "info", *, as_json: bool, instance: str = "") -> str:
    """The line, without its end."""
    if not as_json:
        return sentence
    said = {"event": sentence, "process": process, "instance": instance or process, "level": level}
    said["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps(said, ensure_ascii=False)


def say(process: str, sentence: str, level: Level = "info", *, log_format: str, instance: str = "") -> None:
    """Write it to stderr at once; where its disk is full, the line is lost and nothing else."""
    with contextlib.suppress(OSError):
        sys.stderr.write(line(process, sentence, level, as_json=is_json(log_format), instance=instance) + "\n")
        sys.stderr.flush()
