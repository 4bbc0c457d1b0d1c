"""Frames by chance: bytes, JSON, valid frames, nearly valid ones, in any order. The same seed says the same."""

from __future__ import annotations

import json
import random
import struct
import uuid
from typing import Any

from tests.faults.raw import BINARY, CONTINUATION, PING, PONG, TEXT, frame

KINDS = ["hello", "sub", "unsub", "history", "send", "act", "mark", "signal", "watch", "presence", "ping"]
ACTS = ["take", "assign", "release", "resolve", "reopen"]
STATES = ["online", "busy", "away", "offline"]
FIELDS = ["t", "id", "conv", "text", "args", "after", "to", "inbox", "contact", "x"]
ODD_TEXTS = [
    "",
    " ",
    "\x00",
    "长" * 3000,
    "\u202e\u200b\ufeff",
    "x" * 20_000,
    "'; DROP TABLE events; --",
    "<script>alert(1)</script>",
    "chat.00.main.*.>",
    "a.b c\r\nd",
]
ODD_NUMBERS = [0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63), 2**64, 10**40, 0.5, -0.0, 1e308]
RAW_JSON = [
    '{"t":"ping","n":1e400}',
    '{"t":"ping","n":NaN}',
    '{"t":"ping","t":"hello","n":1}',
    '{"t":"send","id":"\\ud800","text":"\\udfff"}',
    '{"t":"send","text":"\\u0000"}',
    "[" * 10_000,
    '{"a":' * 5_000,
    '{"t":' + "[" * 9_000 + "]" * 9_000 + "}",
    "{",
    "null",
    '"t"',
    '{"t":null}',
    '{"t":"nothing"}',
    '{"t":"ping"} {"t":"ping"}',
    "\ufeff{}",
]


class Gibberish:
    """What one socket says next. `conversations` are those that it may know of."""

    def __init__(self, chance: random.Random, conversations: list[str]) -> None:
        self._chance = chance
        self._conversations = conversations

    def next(self) -> bytes:
        """The bytes of the next frame."""
        make = self._chance.choices(
            [self._protocol, self._json, self._bad_json, self._control, self._fragments, self._bytes, self._torn],
            [62, 18, 10, 3, 3, 2.5, 1.5],
        )[0]
        return make()

    def _protocol(self) -> bytes:
        return frame(TEXT, _dumped(self._nearly_valid()))

    def _json(self) -> bytes:
        return frame(TEXT, _dumped(self._value(4)))

    def _bad_json(self) -> bytes:
        return frame(TEXT, self._chance.choice(RAW_JSON).encode())

    def _control(self) -> bytes:
        return frame(self._chance.choice([PING, PONG]), self._chance.randbytes(self._chance.randint(0, 125)))

    def _fragments(self) -> bytes:
        text = _dumped(self._nearly_valid())
        middle = self._chance.randint(0, len(text))
        return frame(TEXT, text[:middle], fin=False) + frame(CONTINUATION, text[middle:])

    def _bytes(self) -> bytes:
        return frame(self._chance.choice([TEXT, BINARY]), self._chance.randbytes(self._chance.randint(0, 300)))

    def _torn(self) -> bytes:
        """Not even a frame of the protocol."""
        match self._chance.randint(0, 3):
            case 0:
                return self._chance.randbytes(self._chance.randint(1, 60))
            case 1:
                return bytes([self._chance.randint(0, 255), self._chance.randint(0, 255)]) + self._chance.randbytes(20)
            case 2:
                return frame(TEXT, b"", declared=self._chance.choice([2**20, 2**40, 2**63 - 1]))
            case _:
                return frame(8, struct.pack(">H", self._chance.randint(0, 65535)) + self._chance.randbytes(5))

    def _nearly_valid(self) -> dict[str, Any]:
        """A frame of the protocol with nothing wrong, or with a field or two of another kind."""
        made = self._valid(self._chance.choice(KINDS))
        for _ in range(self._chance.choice([0, 0, 0, 1, 1, 2])):
            field = self._chance.choice(list(made))
            match self._chance.randint(0, 2):
                case 0:
                    made.pop(field)
                    if not made:
                        break
                case 1:
                    made[field] = self._value(2)
                case _:
                    made[self._chance.choice(["conv", "id", "text", "x", "args", "limit"])] = self._value(1)
        return made

    def _valid(self, kind: str) -> dict[str, Any]:
        chance, conv = self._chance, self._chance.choice(self._conversations)
        fields: dict[str, dict[str, Any]] = {
            "sub": {"conv": conv, "after": chance.choice([None, [0, 0], [1, 5]]), "limit": 20},
            "unsub": {"conv": conv},
            "history": {"conv": conv, "before": [chance.randint(0, 2**40), chance.randint(0, 99)], "limit": 9},
            "send": {"id": self._id(), "conv": chance.choice([conv, conv, None]), "kind": "text", "text": self._text()},
            "act": {"id": self._id(), "conv": conv, "do": chance.choice(ACTS), "args": {"agent": "lin"}},
            "mark": {"conv": conv, "read": chance.randint(0, 99), "delivered": chance.randint(0, 2**50)},
            "signal": {"conv": conv, "kind": chance.choice(["typing", "viewing", "stopped"])},
            "watch": {"view": chance.choice(["mine", "queue", "all"]), "limit": 5},
            "presence": {"id": self._id(), "state": chance.choice(STATES), "capacity": chance.randint(0, 100)},
        }
        return {"t": kind, **fields.get(kind, {"n": chance.randint(-5, 5)})}

    def _value(self, depth: int) -> Any:
        """Any JSON."""
        chance = self._chance
        if depth and (dice := chance.random()) < 0.4:
            if dice < 0.15:
                return [self._value(depth - 1) for _ in range(chance.randint(0, 4))]
            return {chance.choice(FIELDS): self._value(depth - 1) for _ in range(chance.randint(0, 5))}
        odd = [None, True, False, chance.choice(ODD_NUMBERS), chance.choice(ODD_NUMBERS), self._text(), self._id()]
        return chance.choice([*odd, chance.choice(self._conversations)])

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def _text(self) -> str:
        if self._chance.random() < 0.3:
            return self._chance.choice(ODD_TEXTS)
        return "".join(chr(self._chance.randint(32, 0x2FFF)) for _ in range(self._chance.randint(1, 40)))


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
