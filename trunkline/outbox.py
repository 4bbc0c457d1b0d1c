"""Frames of a client that wait for their answers, what ended them, and which one is at fault (rule 7 of
docs/protocol.md).
"""

from __future__ import annotations

import asyncio
import re
from typing import Final, NamedTuple

from trunkline.following import Frame

FAULTY_CLOSES: Final = frozenset({4400, 4413, 4500})
FAULTS_MOST: Final = 3
"""A frame over which so many connections were closed is at fault, and is given up."""

PASSING: Final = re.compile(r"limit\.|log\.(?!too_)|.*\.(busy|unavailable)$")
"""Codes of what is refused for the state of the node or of the log, and not for its content."""


class RefusedError(Exception):
    """The node said no: `code` is stable, `field` names the input at fault."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(f"{frame['code']}: {frame.get('message', '')}")
        self.code: str = frame["code"]
        self.field: str = frame.get("field", "")
        self.decided: Frame | None = frame.get("decided")


class SessionEndedError(Exception):
    """The session is over for good; `close_code` says why."""

    def __init__(self, close_code: int) -> None:
        super().__init__(f"closed with {close_code}")
        self.close_code = close_code


class Unanswered(NamedTuple):
    """A frame that waits for its answer, and the connection it was last written to."""

    frame: Frame
    answer: asyncio.Future[Frame]
    connection: int
    faults: int = 0
    refusals: int = 0


class Outbox(dict[str, Unanswered]):
    """By the frames' ids, in the order in which they were posted."""

    def on_its_way(self, connection: int) -> list[Unanswered]:
        """What was written to a connection and has no answer."""
        return [each for each in self.values() if each.connection == connection and not each.answer.done()]

    def answer(self, frame_id: str, answer: Frame) -> None:
        """Ends the wait of a frame, if it is here and still waits."""
        entry = self.get(frame_id)
        if entry is not None and not entry.answer.done():
            entry.answer.set_result(answer)

    def accuse(self, connection: int, close_code: int) -> None:
        """The node closed a connection over one of the frames on their way: that is given up after three times."""
        for each in self.on_its_way(connection):
            self[each.frame["id"]] = accused = each._replace(faults=each.faults + 1)
            if accused.faults >= FAULTS_MOST:
                code = f"socket.{close_code}"
                each.answer.set_exception(RefusedError({"code": code, "message": "the node can't take this frame"}))

    def end(self, error: SessionEndedError) -> None:
        """Nothing that waits is answered any more."""
        for each in self.values():
            if not each.answer.done():
                each.answer.set_exception(error)
