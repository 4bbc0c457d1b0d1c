"""A real IMAP server for a test: Dovecot on loopback, with users and mailboxes of its own.

Where it is missing it is installed, if we are root on a Debian; else the test fails, unless TRUNKLINE_NO_DOVECOT says
that this machine does without.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import grp
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.ports import free_port, is_open
from trunkline.embedded import die_with_parent

START_WITHIN_S = 60.0
STOP_WITHIN_S = 30.0
VERSION = "2.3."
"""The configuration's language changed in 2.4."""

_CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0 secs
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 100
stats_writer_socket_path =
{no_idle}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
  mechanisms = plain login
}}
{tokens}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

_TOKENS = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/tokens.conf
}}
"""


class Dovecot:
    """A server that can be stopped and started again on the same port and mailboxes.

    `tokens`: address that tells of OAuth tokens (RFC 7662 by GET), which XOAUTH2 needs. `idles`: whether IDLE is told.
    """

    def __init__(self, folder: Path, *, certificate: Path | None = None, tokens: str = "", idles: bool = True) -> None:
        self.folder = folder
        self.port = free_port()
        self.tls_port = free_port() if certificate else 0
        self._certificate = certificate
        self._tokens = tokens
        self._idles = idles
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._owner = (account.pw_uid, account.pw_gid)
        self._account = (account.pw_name, grp.getgrgid(account.pw_gid).gr_name)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        program = _program()
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "users").touch()
        os.chown(self.folder / "mail", *self._owner)
        for lock in (self.folder / "mail").rglob("*.lock"):
            # Of one that was killed: the next would wait for it.
            lock.unlink(missing_ok=True)
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(self._configuration())
        with (self.folder / "stderr").open("wb") as said:
            self._process = subprocess.Popen(
                [program, "-c", str(configuration), "-F"],
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - one call of the system, made before the fork
            )
        deadline = time.monotonic() + START_WITHIN_S
        while not _greets(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Dovecot doesn't start: {(self.folder / 'stderr').read_text()}{self.log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it with all its connections, at once: in order it takes a second."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                # The group is its own, begun above.
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_WITHIN_S)
            self._process = None
            deadline = time.monotonic() + STOP_WITHIN_S
            while any(map(is_open, filter(None, (self.port, self.tls_port)))):
                # The first process is gone; others of the group may still be going.
                assert time.monotonic() < deadline, "Dovecot doesn't end"
                time.sleep(0.01)
            shutil.rmtree(self.folder / "run", ignore_errors=True)

    def log(self) -> str:
        """What it wrote."""
        path = self.folder / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def add_user(self, name: str, password: str) -> None:
        """A user with an empty mailbox; an old one gets the password."""
        users = self.folder / "users"
        others = [line for line in users.read_text().splitlines() if not line.startswith(f"{name}:")]
        fresh = self.folder / "users.new"
        fresh.write_text("\n".join([*others, f"{name}:{{PLAIN}}{password}"]) + "\n")
        fresh.rename(users)
        self._mailbox(name)

    def deliver(self, name: str, raw: bytes, *, at: float | None = None, folder: str = "") -> Path:
        """Puts a mail into a mailbox as a delivery agent does: written aside, then moved to `new`.

        `at`: when it came, in Unix seconds; `folder` as IMAP names it on the wire.
        """
        box = self._mailbox(name, folder)
        # New mail is numbered by the seconds and microseconds of its name.
        seconds, rest = divmod(time.time_ns(), 1_000_000_000)
        unique = f"{seconds}.M{rest // 1000}P{os.getpid()}Q{next(self._names)}.trunkline"
        written = box / "tmp" / unique
        written.write_bytes(raw)
        os.chown(written, *self._owner)
        if at is not None:
            os.utime(written, (at, at))
        return written.rename(box / "new" / unique)

    def renumber(self, name: str) -> None:
        """The mailbox gets another UIDVALIDITY, as when it is restored on another server: all connections end."""
        self.stop()
        box = self._mailbox(name)
        uids = box / "dovecot-uidlist"
        version, validity, _, *more = uids.read_text().partition("\n")[0].split(" ")
        uids.write_text(" ".join([version, f"V{int(validity[1:]) + 1}", "N1", *more]) + "\n")
        for path in box.glob("dovecot.index*"):
            path.unlink()
        self.start()

    def _mailbox(self, name: str, folder: str = "") -> Path:
        box = self.folder / "mail" / name / (f".{folder}" if folder else "")
        for path in (box.parent, box, *(box / each for each in ("cur", "new", "tmp"))):
            path.mkdir(exist_ok=True)
            os.chown(path, *self._owner)
        return box

    def _configuration(self) -> str:
        if self._tokens:
            (self.folder / "tokens.conf").write_text(
                f"tokeninfo_url = {self._tokens}\nusername_attribute = email\n"
                "active_attribute = active\nactive_value = true\n"
            )
        pair = f"ssl_cert = <{self._certificate}\nssl_key = <{self._certificate}" if self._certificate else ""
        user, group = self._account
        return _CONFIGURATION.format(
            folder=self.folder,
            port=self.port,
            tls_port=self.tls_port,
            ssl="yes" if self._certificate else "no",
            certificate=pair,
            mechanisms="plain login xoauth2" if self._tokens else "plain login",
            tokens=_TOKENS.format(folder=self.folder) if self._tokens else "",
            no_idle="" if self._idles else "imap_capability = IMAP4rev1 LITERAL+ SASL-IR ID UIDPLUS",
            user=user,
            group=group,
        )


@contextlib.contextmanager
def running_dovecot(*, certificate: Path | None = None, tokens: str = "", idles: bool = True) -> Iterator[Dovecot]:
    """A server for as long as the block lasts."""
    # Not below pytest's folder: that is root's alone, and Dovecot reads mail as nobody.
    folder = Path(tempfile.mkdtemp(prefix="trunkline-dovecot-"))
    folder.chmod(0o755)
    server = Dovecot(folder, certificate=certificate, tokens=tokens, idles=idles)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _program() -> str:
    """The path of Dovecot, installed where it was missing."""
    if os.environ.get("TRUNKLINE_NO_DOVECOT"):
        pytest.skip("TRUNKLINE_NO_DOVECOT is set")
    found = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        found = _installed()
    if not found:
        pytest.fail(
            "no Dovecot: install the package dovecot-imapd, or set TRUNKLINE_NO_DOVECOT=1 to leave these tests out"
        )
    version = subprocess.run([found, "--version"], check=True, capture_output=True, text=True, timeout=20).stdout
    if not version.startswith(VERSION):
        pytest.fail(f"Dovecot {VERSION}x is needed, this is {version.strip()}; TRUNKLINE_NO_DOVECOT=1 leaves it out")
    return found


def _installed() -> str | None:
    """The path of Dovecot, once apt installed it: for one worker of a test run, while the others wait."""
    with (Path(tempfile.gettempdir()) / "trunkline-dovecot.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shutil.which("dovecot", path="/usr/sbin"):
            subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True, timeout=120)
            subprocess.run(
                ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "dovecot-imapd"],
                check=False,
                capture_output=True,
                timeout=300,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"* OK"
    except OSError:
        return False
