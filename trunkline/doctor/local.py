"""What only this machine can tell: the console, the disk of the data folder, the node's port, the children of `up`."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from pathlib import Path
from typing import Final

from backbone.process.processes import Disk
from trunkline.doctor.findings import Check
from trunkline.doctor.machines import disk_of
from trunkline.up.word import Word

NODE_WITHIN_S: Final = 5.0
RECENT_S: Final = 3600


def console() -> Check:
    """Whether the desk and the widget are built."""
    from console import DIST  # noqa: PLC0415  (an adapter's image may come without it)

    missing = [name for name in ("desk/index.html", "widget/index.html", "w.js") if not (DIST / name).is_file()]
    if missing:
        todo = "Run `python -m console.build` in a checkout, or install the package again."
        return Check("console", "wrong", f"no {', '.join(missing)} in {DIST}", todo)
    return Check("console", "ok", f"built, in {DIST}")


def disk(data: Path) -> Check:
    """Free space where the log and the warehouse are."""
    usage = shutil.disk_usage(data)
    return disk_of(Disk(str(data.absolute()), usage.free, usage.total))


def node(port: int) -> Check:
    """What the node of this machine says of itself."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=NODE_WITHIN_S)
    try:
        connection.request("GET", "/readyz")
        body = json.loads(connection.getresponse().read())
    except TimeoutError:
        todo = "Look at its process: stopped (`kill -CONT PID`) or stuck; else end it, and it is started again."
        return Check("node", "wrong", f"takes connections on port {port} and doesn't answer: it hangs", todo)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Check("node", "wrong", f"doesn't answer on port {port}: {error}", "Read its log; start it again.")
    finally:
        connection.close()
    if not body["ready"]:
        problems = "; ".join(f"{name}: {text}" for name, text in body["checks"].items() if text != "ok")
        return Check("node", "wrong", problems, "Mend what it names; it is ready again by itself.")
    return Check("node", "ok", f"ready on port {port}")


def children(words: list[Word], now_s: float | None = None) -> Check | None:
    """The finding on the children of `up`: who doesn't run, and why each ended last; None if none did lately. Pure."""
    now = time.time() if now_s is None else now_s
    ended = [word for word in words if word.failure and (not word.runs or now - word.failed_at < RECENT_S)]
    if not ended:
        return None
    texts = [
        f"{word.name} {_again(word)}, {max(0.0, now - word.failed_at):.0f} s ago it {word.failure}"
        for word in ended[:5]
    ]
    if all(word.runs for word in ended):
        todo = "They run again; where one ends over and over, mend what it says."
        return Check("children", "warning", "; ".join(texts), todo)
    waits = any(not word.runs and word.is_kept for word in ended)
    todo = "Mend what it says; " + ("it is started again by itself." if waits else "then start `trunkline up` again.")
    return Check("children", "wrong", "; ".join(texts), todo)


def _again(word: Word) -> str:
    if word.runs:
        return f"was started again ({word.failures} times in a row)"
    return "is about to be started again" if word.is_kept else "isn't started again"
