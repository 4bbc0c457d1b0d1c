"""A small HTTP/2 server over TLS: what a simulator of APNs needs, and no more."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct


class Asked(Struct):
    """A request. Names of `headers` in lower case, with `:method` and `:path`."""

    headers: dict[str, str]
    body: bytes


class Answer(Struct):
    """What it is answered; `is_broken`: the connection breaks instead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}
    is_broken: bool = False


Handler = Callable[[Asked], Awaitable[Answer]]


class H2Server:
    """Serves until `stop`; `connections` counts those that were made."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: Any = None
        self._open: set[_Connection] = set()
        self.connections = 0

    async def start(self) -> str:
        """Its address."""
        self._server = await asyncio.get_running_loop().create_server(self._connection, "127.0.0.1", 0, ssl=_context())
        return f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Ends every connection."""
        self._server.close()
        self.break_all()
        await self._server.wait_closed()

    def break_all(self) -> None:
        """Every connection breaks, as when Apple's servers change places."""
        for one in list(self._open):
            one.end()

    def _connection(self) -> _Connection:
        self.connections += 1
        return _Connection(self._handler, self._open)


class _Connection(asyncio.Protocol):
    def __init__(self, handler: Handler, everyone: set[_Connection]) -> None:
        self._handler = handler
        self._everyone = everyone
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._transport: Any = None
        self._asked: dict[int, Asked] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._everyone.add(self)
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._everyone.discard(self)
        for task in self._tasks:
            task.cancel()

    def end(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._flush()
            self._transport.close()
            return
        for event in events:
            self._on(event)
        self._flush()

    def _on(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._asked[event.stream_id] = Asked(dict(event.headers), b"")  # type: ignore[arg-type]
        elif isinstance(event, h2.events.DataReceived):
            self._asked[event.stream_id].body += event.data
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            task = asyncio.create_task(self._answer(event.stream_id, self._asked.pop(event.stream_id)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, stream: int, asked: Asked) -> None:
        answer = await self._handler(asked)
        if answer.is_broken:
            self._transport.abort()
            return
        headers = [(":status", str(answer.status)), *answer.headers.items()]
        self._h2.send_headers(stream, headers, end_stream=not answer.body)
        if answer.body:
            self._h2.send_data(stream, answer.body, end_stream=True)
        self._flush()

    def _flush(self) -> None:
        if (data := self._h2.data_to_send()) and not self._transport.is_closing():
            self._transport.write(data)


def _context() -> ssl.SSLContext:
    """Of a certificate that is made for this server and that nobody else signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a simulator of APNs")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        file.write_bytes(pem)
        context.load_cert_chain(file)
    context.set_alpn_protocols(["h2"])
    return context
