"""A generator's process as the benchmark sees it: asks, and waits for the answer until a deadline."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from typing import Any

import msgspec

from tests.bench.loadgen.speech import Target
from trunkline.embedded import die_with_parent

ANSWER_WITHIN_S = 1000.0


class Generator:
    """One process of `tests.bench.loadgen`; ends with the block or with us."""

    def __init__(self, target: Target) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.loadgen", msgspec.json.encode(target).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
            preexec_fn=die_with_parent(),  # noqa: PLW1509  (one thread)
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """The answer to one command. Raises RuntimeError if the process died or is late."""
        self.tell(do, **arguments)
        return self.hear()

    def tell(self, do: str, **arguments: Any) -> None:
        """A command whose answer is heard later."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The answer to the oldest command that wasn't answered. Raises RuntimeError as `ask`."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], ANSWER_WITHIN_S)[0]:
            msg = f"the generator didn't answer within {ANSWER_WITHIN_S:.0f} s"
            raise RuntimeError(msg)
        line = self._process.stdout.readline()
        if not line:
            msg = "the generator ended in the middle of its work; see above"
            raise RuntimeError(msg)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Its sockets close, it goes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()
