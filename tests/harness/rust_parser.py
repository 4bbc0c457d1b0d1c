"""mailparse of Rust, in an environment of its own (`.venv-parsers`): nats-py reads headers by the same package where it
finds it, and then a process under test wouldn't be the product.

Run there as a program: mails come on standard input, each behind its length on a line; the leaves go out likewise.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-parsers" / "bin" / "python"


class RustParser:
    """The program, for as long as the tests of a file need it."""

    def __init__(self) -> None:
        if not PYTHON.exists():
            raise FileNotFoundError(
                "make the environment of the other parsers: .ci/install .venv-parsers --only-group parsers"
            )
        self._process = subprocess.Popen([PYTHON, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def leaves(self, raw: bytes) -> list[tuple[str, bytes]]:
        """Type and content of each leaf of a mail; none of one that it can't read."""
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        to.write(b"%d\n" % len(raw) + raw)
        to.flush()
        return [(kind, base64.b64decode(content)) for kind, content in json.loads(back.readline())]

    def end(self) -> None:
        """Ends it."""
        self._process.communicate(timeout=10)


def main() -> None:
    """Answers until its input ends."""
    import fast_mail_parser  # noqa: PLC0415 - there is none where the class above is used

    while line := sys.stdin.buffer.readline():
        raw = sys.stdin.buffer.read(int(line))
        try:
            tree = fast_mail_parser.parse_email_tree(raw)
            parts = [part for part in fast_mail_parser.walk(tree) if not part.children and part.content]
        except fast_mail_parser.ParseError:
            parts = []
        found = [(part.content_type or "text/plain", base64.b64encode(bytes(part.content)).decode()) for part in parts]
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
