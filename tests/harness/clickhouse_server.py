"""A stand-in for ClickHouse's server: its HTTP interface, as far as clickhouse-connect uses it, over chDB's engine.

Run as `python -m tests.harness.clickhouse_server PORT FOLDER`. What it answers is decided by the engine: SQL, types,
settings, formats, error texts and numbers are ClickHouse's own. Ours: HTTP, users, and the faults that
FOLDER/faults.json asks for, read anew for each request (clickhouse.py says what can stand there).
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
import tempfile
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame

TRANSPORT: Final = frozenset(
    {
        "buffer_size",
        "cancel_http_readonly_queries_on_client_close",
        "client_protocol_version",
        "compress",
        "database",
        "decompress",
        "default_format",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "password",
        "query",
        "query_id",
        "quota_key",
        "role",
        "send_progress_in_http_headers",
        "session_check",
        "session_id",
        "session_timeout",
        "user",
        "wait_end_of_query",
    }
)
"""Parameters of a request that aren't settings of the engine."""

FORMAT: Final = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
INSERT: Final = re.compile(rb"\s*(INSERT\s+INTO\s[^\n]*?)\s+FORMAT\s+(\w+)(?:\s*\n|\s*$)", re.IGNORECASE)
CODE: Final = re.compile(r"Code: (\d+)")
STATUS: Final = {516: 403, 497: 403, 60: 404, 81: 404, 202: 503, 243: 500}
DATABASE_GIVEN: Final = "default"


class Refusal(Exception):  # noqa: N818 - as ClickHouse's own exceptions travel
    """An error of ClickHouse: its number and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    folder: Path
    version: str

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        """`/ping`, and statements that have no body."""
        self._serve()

    def do_POST(self) -> None:
        """A statement in the body or in `query`, its data behind it or in the body."""
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        path = urlsplit(self.path)
        if path.path == "/ping":
            self._answer(200, b"Ok.\n", {})
            return
        asked = dict(parse_qsl(path.query, keep_blank_values=True))
        faults = json.loads((self.folder / "faults.json").read_text())
        try:
            self._sign_in(faults)
            statement = asked["query"].encode() + b"\n" + body if "query" in asked else body
            self._break(faults, statement)
            found, kind = self._run(statement, asked, faults)
        except Refusal as refused:
            self._refuse(refused)
        except Exception as failed:  # noqa: BLE001 - chDB raises what the engine says as bare errors
            text = str(failed)
            number = CODE.search(text)
            self._refuse(Refusal(int(number[1]) if number else 1000, text[text.find("Code:") :]))
        else:
            self._answer(200, found, {"X-ClickHouse-Format": kind} if kind else {})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            raw = b"".join(parts)
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.headers.get("Content-Encoding", ""):
            case "lz4":
                return bytes(lz4.frame.decompress(raw))
            case "gzip":
                return gzip.decompress(raw)
            case "deflate":
                return zlib.decompress(raw)
            case "":
                return raw
            case other:
                raise AssertionError(other)

    def _sign_in(self, faults: dict[str, Any]) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(given).decode() != f"{faults['user']}:{faults['password']}":
            raise Refusal(
                516,
                f"Code: 516. DB::Exception: {faults['user']}: Authentication failed: password is incorrect, or there "
                f"is no user with such name. (AUTHENTICATION_FAILED) (version {self.version})",
            )

    def _break(self, faults: dict[str, Any], statement: bytes) -> None:
        where = re.compile(faults.get("where", "").encode(), re.IGNORECASE)
        if not where.search(statement[:2000]):
            return
        time.sleep(faults.get("slow_s", 0))
        if code := faults.get("code"):
            raise Refusal(code, f"Code: {code}. DB::Exception: {faults['text']} (version {self.version})")

    def _run(self, statement: bytes, asked: dict[str, str], faults: dict[str, Any]) -> tuple[bytes, str]:
        settings = {k: v for k, v in asked.items() if k not in TRANSPORT and not k.startswith("param_")}
        parameters = {k.removeprefix("param_"): v for k, v in asked.items() if k.startswith("param_")}
        # A handle for each request: what is set in one is unknown to the next.
        handle = chdb.connect(str(self.folder / "data"))
        try:
            handle.query(f"USE {_quoted(asked.get('database') or DATABASE_GIVEN)}")
            ordered = sorted(settings.items(), key=lambda pair: pair[0] == "readonly")
            if ordered:
                handle.query("SET " + ", ".join(f"{name} = {_text(value)}" for name, value in ordered))
            if "version" in faults and statement.startswith(b"SELECT version(), timezone()"):
                return f"{faults['version']}\tUTC\n".encode(), "TabSeparated"
            if insert := INSERT.match(statement):
                return self._insert(handle, insert, statement[insert.end() :]), ""
            named = FORMAT.search(statement)
            kind = named[1].decode() if named else "TabSeparated"
            text = statement[: named.start()] if named else statement
            found = handle.query(text.decode(), kind, params=parameters).bytes()
            return found, kind
        finally:
            handle.close()

    def _insert(self, handle: Any, insert: re.Match[bytes], data: bytes) -> bytes:
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(data)
            file.flush()
            handle.query(f"{insert[1].decode()} FROM INFILE {_text(file.name)} FORMAT {insert[2].decode()}")
        return b""

    def _refuse(self, refused: Refusal) -> None:
        self._answer(
            STATUS.get(refused.code, 500), f"{refused}\n".encode(), {"X-ClickHouse-Exception-Code": str(refused.code)}
        )

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        if "lz4" in self.headers.get("Accept-Encoding", "") and "enable_http_compression=1" in self.path:
            body, headers = lz4.frame.compress(body), {**headers, "Content-Encoding": "lz4"}
        self.send_response(status)
        summary = {"X-ClickHouse-Summary": '{"read_rows":"0"}', "X-ClickHouse-Timezone": "UTC"}
        for name, value in {**summary, **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Server(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Serves until it is killed."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    engine = chdb.connect(str(folder / "data"))
    Handler.folder = folder
    Handler.version = str(engine.query("SELECT version()", "TabSeparated")).strip()
    serving = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    print("ready", flush=True)  # noqa: T201 - who started it waits for this line
    threading.Event().wait()


if __name__ == "__main__":
    main()
