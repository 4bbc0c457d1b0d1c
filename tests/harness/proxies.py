"""The proxies of deploy/proxy, run as they are shipped but for the lines marked CHANGE: unprivileged, on loopback, in a
folder of their own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.harness.ports import free_port
from trunkline.embedded import die_with_parent

SHIPPED: Final = Path(__file__).parents[2] / "deploy" / "proxy"
KINDS: Final = ("nginx", "caddy", "haproxy")
NODES: Final = "nodes.example.internal"
SBIN: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


class Where(NamedTuple):
    """Ports of a running proxy, with and without TLS, and its certificate."""

    port: int
    tls_port: int
    certificate: Path

    @property
    def http(self) -> str:
        """Its address without TLS."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Where it takes sockets."""
        return f"ws://127.0.0.1:{self.port}/ws"


@contextlib.contextmanager
def proxy(kind: str, folder: Path, *, node_port: int, dns_port: int) -> Iterator[Where]:
    """A proxy for as long as the block lasts, before the nodes that the DNS server names."""
    program = shutil.which(kind, path=SBIN)
    assert program, f"{kind} is missing: run `make test-rest`"
    certificate, key = make_certificate(folder)
    where = Where(free_port(), free_port(), certificate)
    command = {"nginx": _nginx, "caddy": _caddy, "haproxy": _haproxy}[kind](
        folder, where, key, f"{NODES}:{node_port}", dns_port
    )
    said = folder / f"{kind}.log"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [program, *command],
            env={"PATH": SBIN, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
            preexec_fn=die_with_parent(),  # noqa: PLW1509  (tests start processes outside of threads)
        )
    try:
        _listens(where.port, process, said)
        yield where
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def changed(name: str, *changes: tuple[str, str]) -> str:
    """A shipped file with lines put in place of others, each of which is there once."""
    text = (SHIPPED / name).read_text()
    for before, after in changes:
        assert text.count(before) == 1, f"{name} has {text.count(before)} times {before!r}"
        text = text.replace(before, after)
    return text


def _nginx(folder: Path, where: Where, key: Path, nodes: str, dns_port: int) -> list[str]:
    server = changed(
        "nginx.conf",
        ("resolver 127.0.0.53 ", f"resolver 127.0.0.1:{dns_port} "),
        ("listen 443 ssl;", f"listen 127.0.0.1:{where.tls_port} ssl; listen 127.0.0.1:{where.port};"),
        ("ssl_certificate /etc/ssl/chat.example.com/fullchain.pem;", f"ssl_certificate {where.certificate};"),
        ("ssl_certificate_key /etc/ssl/chat.example.com/privkey.pem;", f"ssl_certificate_key {key};"),
        (f"http://{NODES}:8080;", f"http://{nodes};"),
    )
    temporary = "".join(
        f"  {name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n"
        f"events {{}}\nhttp {{\n  access_log off;\n{temporary}{server}}}\n"
    )
    return ["-p", str(folder), "-c", str(folder / "nginx.conf")]


def _caddy(folder: Path, where: Where, key: Path, nodes: str, dns_port: int) -> list[str]:
    site = "chat.example.com {\n\timport trunkline\n}\n"
    (folder / "Caddyfile").write_text(
        "{\n\tadmin off\n\tauto_https off\n}\n"
        + changed(
            "Caddyfile",
            ("resolvers udp/127.0.0.53:53 ", f"resolvers udp/127.0.0.1:{dns_port} "),
            ("port 8080\n", f"port {nodes.rpartition(':')[2]}\n"),
            (
                site,
                (
                    f"https://127.0.0.1:{where.tls_port} {{\n\ttls {where.certificate} {key}\n\timport trunkline\n}}\n"
                    f"http://127.0.0.1:{where.port} {{\n\timport trunkline\n}}\n"
                ),
            ),
        )
    )
    return ["run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _haproxy(folder: Path, where: Where, key: Path, nodes: str, dns_port: int) -> list[str]:
    both = folder / "both.pem"
    both.write_bytes(where.certificate.read_bytes() + key.read_bytes())
    (folder / "haproxy.cfg").write_text(
        changed(
            "haproxy.cfg",
            ("127.0.0.53:53 ", f"127.0.0.1:{dns_port} "),
            (
                "bind :443 ssl crt /etc/ssl/chat.example.com.pem alpn http/1.1",
                f"bind 127.0.0.1:{where.port}\n  bind 127.0.0.1:{where.tls_port} ssl crt {both} alpn http/1.1",
            ),
            (f"{NODES}:8080 ", f"{nodes} "),
        )
    )
    return ["-db", "-f", str(folder / "haproxy.cfg")]


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Of 127.0.0.1, signed by itself: the files of the certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret


def _listens(port: int, process: subprocess.Popen[bytes], said: Path, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.02)
