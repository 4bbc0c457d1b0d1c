"""Reading of one mail where it can harm nobody: a process of its own, with a bound to its memory and to its time.

The parent writes a `Wanted`, the process answers with a `Translated`, each as msgpack behind its length. It is kept for
the next mail: starting one takes 0.13 s, passing a mail to it 0.2 ms and 10 ms for each MB. `main` is what runs in it.
"""

from __future__ import annotations

import resource
import struct
import sys
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from adapters.channels.email import parse
from adapters.channels.email.parse import Translated
from adapters.channels.email.settings import Account

LENGTH: Final = struct.Struct("!Q")
READY: Final = b"ready"
FAILED: Final = b"failed"


class Wanted(Struct, array_like=True):
    """A mail to be read. `size`: bytes of all of it where `raw` are its headers alone, else 0; `now`: Unix seconds."""

    raw: bytes
    account: Account
    now: float
    size: int = 0


def framed(content: bytes) -> bytes:
    """What is written to the other side."""
    return LENGTH.pack(len(content)) + content


def answered(content: bytes) -> Translated:
    """What a mail is, by the answer."""
    return msgspec.msgpack.decode(content, type=Translated)


def main() -> None:
    """Reads one mail after the other until the parent is gone. `memory_bytes cpu_s` are its arguments."""
    memory_bytes, cpu_s = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # What a library prints must not get between the answers.
    sys.stdout = sys.stderr
    _write(sink, READY)
    wanted = msgspec.msgpack.Decoder(Wanted)
    while head := source.read(LENGTH.size):
        content = source.read(LENGTH.unpack(head)[0])
        used = resource.getrusage(resource.RUSAGE_SELF)
        most_s = int(used.ru_utime + used.ru_stime) + cpu_s + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most_s, resource.RLIM_INFINITY))
        try:
            answer = _translated(wanted.decode(content))
        except Exception as failed:  # noqa: BLE001 - the parser's faults and MemoryError are the mail's, not ours
            sys.stderr.write(f"{type(failed).__name__}: {failed}"[:500] + "\n")
            answer = FAILED
        _write(sink, answer)
        del content, answer


def _translated(wanted: Wanted) -> bytes:
    if wanted.size:
        return msgspec.msgpack.encode(parse.translate_head(wanted.raw, wanted.size, wanted.account, wanted.now))
    return msgspec.msgpack.encode(parse.translate(wanted.raw, wanted.account, wanted.now))


def _write(sink: BinaryIO, content: bytes) -> None:
    sink.write(LENGTH.pack(len(content)))
    sink.write(content)
    sink.flush()
