"""The company's side of a sign-in: a token for whoever is signed in at its own server, signed by the inbox's secret.

    TRUNKLINE_APP_SECRET=... python server.py 8001 shop

A real one asks its own session who calls; this one believes `?user=`. The secret never leaves the server.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LIFE_S = 900  # an hour at most


def sign(user, tenant, secret, **more):
    """A JWT by HS256 (RFC 7515)."""
    now = int(time.time())
    claims = {"sub": user, "iat": now, "exp": now + LIFE_S, "tenant": tenant, **more}
    text = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{text}.{_base64(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def _base64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def main(port, tenant):
    secret = os.environ["TRUNKLINE_APP_SECRET"]

    class Handler(BaseHTTPRequestHandler):
        """Answers GET /support-token?user=..."""

        def do_GET(self):
            user = parse_qs(urlsplit(self.path).query).get("user", [""])[0]
            self.send_response(200 if user else 401)
            self.end_headers()
            if user:
                self.wfile.write(sign(user, tenant, secret, name=user.title()).encode())

    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
