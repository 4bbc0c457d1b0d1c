"""A customer's web site: another origin, the strictest policy that still lets the widget in."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGE = """<!doctype html>
<html lang="{locale}"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script async src="{node}/w.js" data-inbox="web"></script></head>
<body><main><h1>Shop</h1><p>Parcels, lamps and jackets.</p></main></body></html>
"""

POLICY = (
    "default-src 'none'; script-src {node}; frame-src {node}; style-src 'none'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
)


@contextlib.contextmanager
def host_page(node: str) -> Iterator[str]:
    """The address of a site that shows the widget of `node` (http://host:port), served until left.

    Its pages are /en and /zh-CN.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            locale = self.path.strip("/")
            body = PAGE.format(node=node, locale=locale).encode()
            is_page = locale in {"en", "zh-CN"}
            self.send_response(200 if is_page else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY.format(node=node))
            self.end_headers()
            self.wfile.write(body if is_page else b"")

        def log_message(self, *_args: Any) -> None:
            """Tests read failures, not requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
