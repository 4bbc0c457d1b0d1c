"""A real mail server for a test: Postfix on loopback, which delivers into maildirs, and OpenDKIM beside it.

It has two doors as a company's server has. By `submission` its own users send: it is signed, and comes back where
nobody takes it. By `exchange` the world's mail comes in: its signatures are checked.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.harness.ports import free_port, is_open
from trunkline.embedded import die_with_parent

START_WITHIN_S: Final = 60.0
STOP_WITHIN_S: Final = 30.0
HOST: Final = "mx.shop.example"
SELECTOR: Final = "test"

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = {host}
myorigin = {host}
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
recipient_delimiter = +
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = texthash:{folder}/boxes
virtual_mailbox_base = {mail}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
default_transport = error:5.4.4 nowhere
message_size_limit = 30000000
virtual_mailbox_limit = 0
milter_default_action = tempfail
biff = no
smtpd_client_connection_rate_limit = 0
"""

_MASTER = """
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_milters=inet:127.0.0.1:{signer}
  -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o smtpd_reject_unlisted_recipient=no
127.0.0.1:{exchange} inet n - n - - smtpd
  -o smtpd_milters=inet:127.0.0.1:{checker}
  -o mynetworks=192.0.2.1
  -o smtpd_relay_restrictions=reject_unauth_destination
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

_DKIM = """
Mode {mode}
Socket inet:{port}@127.0.0.1
AuthservID {host}
Canonicalization relaxed/simple
SigningTable refile:{folder}/signing
KeyTable {folder}/keys
InternalHosts {inside}
TestPublicKeys {folder}/public
RequireSafeKeys no
Background no
Syslog no
UMask 002
"""


class Postfix:
    """`boxes`: the addresses that have a mailbox below `mail` (maildirs, of the user `owner`: uid and gid); anything
    behind a plus is delivered too. `signs`: the domain whose mail by `submission` is signed.
    """

    def __init__(self, folder: Path, mail: Path, owner: tuple[int, int], boxes: list[str], signs: str) -> None:
        self.folder = folder
        self.submission, self.exchange = free_port(), free_port()
        self._signer, self._checker = free_port(), free_port()
        self._mail, self._owner, self._boxes, self._signs = mail, owner, boxes, signs
        self._processes: list[subprocess.Popen[bytes]] = []
        self.keys: dict[str, bytes] = {}
        """Private keys in PEM, by domain; the server knows the public one of each."""

    def start(self) -> None:
        """Starts all of it and waits until both doors greet."""
        for name in ("spool", "data"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        (self.folder / "boxes").write_text("".join(f"{box} {box}/\n" for box in self._boxes))
        self._write_keys()
        self._milter("signer", "s", self._signer, "127.0.0.1")
        # Nobody is inside for the checker: what comes in is looked at.
        self._milter("checker", "v", self._checker, "192.0.2.1")
        self._write("main.cf", _MAIN)
        self._write("master.cf", _MASTER)
        subprocess.run(["/usr/sbin/postfix", "-c", self.folder, "check"], check=True, capture_output=True, timeout=60)
        # Not by `postfix start`: that one begins a session of its own, which ends with nobody.
        self._run(["/usr/lib/postfix/sbin/master", "-d", "-c", str(self.folder)])
        deadline = time.monotonic() + START_WITHIN_S
        for port in (self._signer, self._checker, self.submission, self.exchange):
            while not is_open(port):
                assert time.monotonic() < deadline, f"Postfix doesn't start: {self.log()}"
                time.sleep(0.05)

    def stop(self) -> None:
        """Ends all of it."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                # The group is its own: begun by `_run`.
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_WITHIN_S)
        self._processes = []

    def log(self) -> str:
        """What it wrote."""
        files = [self.folder / "maillog", *self.folder.glob("*.out")]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def public_key(self, domain: str) -> bytes:
        """The record that the domain has in DNS (RFC 6376, 3.6.1)."""
        private = serialization.load_pem_private_key(self.keys[domain], None)
        told = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(told)

    def _write_keys(self) -> None:
        for domain in self._domains():
            pem = rsa.generate_private_key(65537, 2048).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            self.keys[domain] = pem
            file = self.folder / f"{domain}.pem"
            file.write_bytes(pem)
            file.chmod(0o600)
        (self.folder / "signing").write_text(f"*@{self._signs} {self._signs}\n")
        (self.folder / "keys").write_text(f"{self._signs} {self._signs}:{SELECTOR}:{self.folder / self._signs}.pem\n")
        public = [f"{SELECTOR}._domainkey.{each} {self.public_key(each).decode()}\n" for each in self._domains()]
        (self.folder / "public").write_text("".join(public))

    def _milter(self, name: str, mode: str, port: int, inside: str) -> None:
        file = self.folder / f"{name}.conf"
        file.write_text(_DKIM.format(mode=mode, port=port, host=HOST, folder=self.folder, inside=inside))
        self._run(["/usr/sbin/opendkim", "-f", "-x", str(file)])

    def _write(self, name: str, form: str) -> None:
        uid, gid = self._owner
        values: Mapping[str, object] = {
            "folder": self.folder, "mail": self._mail, "host": HOST, "uid": uid, "gid": gid,
            "domains": " ".join(self._domains()), "submission": self.submission, "exchange": self.exchange,
            "signer": self._signer, "checker": self._checker,
        }  # fmt: skip
        (self.folder / name).write_text(form.format(**values))

    def _domains(self) -> list[str]:
        return sorted({each.rpartition("@")[2] for each in self._boxes})

    def _run(self, command: list[str]) -> None:
        with (self.folder / f"{Path(command[0]).name}{len(self._processes)}.out").open("wb") as said:
            self._processes.append(
                subprocess.Popen(
                    command,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                    preexec_fn=die_with_parent(),  # noqa: PLW1509 - one call of the system, made before the fork
                )
            )


@contextlib.contextmanager
def running_postfix(mail: Path, owner: tuple[int, int], boxes: list[str], *, signs: str) -> Iterator[Postfix]:
    """A server for as long as the block lasts."""
    # Not below pytest's folder: that is root's alone, and Postfix works as users of its own.
    folder = Path(tempfile.mkdtemp(prefix="trunkline-postfix-"))
    folder.chmod(0o755)
    server = Postfix(folder, mail, owner, boxes, signs)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
