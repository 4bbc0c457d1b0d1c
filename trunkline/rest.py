"""The few REST calls that a client of the protocol needs before it opens a socket. Standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import quote


class Answer(NamedTuple):
    """Status, decoded body (None if empty) and the session's cookie as `name=value`, if one was set."""

    status: int
    body: Any
    cookie: str = ""


def call(
    method: str,
    url: str,
    body: bytes | Mapping[str, Any] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
) -> Answer:
    """One request; a refusal is an answer too. Raises OSError if nobody answers."""
    data = json.dumps(body).encode() if isinstance(body, Mapping) else body
    origin = "/".join(url.split("/", 3)[:3])
    sent = {"Origin": origin, "Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data=data, method=method, headers=sent)  # noqa: S310  (our own node's address)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:  # noqa: S310
            return _answer(response.status, response.read(), response.headers.get_all("Set-Cookie") or [])
    except urllib.error.HTTPError as refused:
        with refused:
            return _answer(refused.code, refused.read(), [])


def sign_in(http: str, email: str, password: str) -> Answer:
    """An agent's session: the answer's `cookie` goes with every later request and the socket."""
    return call("POST", f"{http}/api/v1/session", {"email": email, "password": password})


def become_visitor(http: str, inbox: str, token: str = "") -> tuple[str, str]:
    """A visitor's token and contact id; with an old token the same person again. Raises ValueError if refused."""
    asked = {"inbox": inbox, "token": token} if token else {"inbox": inbox}
    answer = call("POST", f"{http}/api/v1/visitors", asked)
    if answer.status not in {200, 201}:
        raise ValueError(f"the node refused a visitor: {answer.status} {answer.body}")
    return answer.body["token"], answer.body["contact"]


def upload(http: str, name: str, content: bytes, mime: str, *, token: str = "", cookie: str = "") -> Answer:
    """One file; the answer's `file` is what a message names as its attachment."""
    who = {"Authorization": f"Bearer {token}"} if token else {"Cookie": cookie}
    return call("POST", f"{http}/api/v1/files?name={quote(name)}", content, headers={**who, "Content-Type": mime})


def _answer(status: int, body: bytes, cookies: list[str]) -> Answer:
    jar = SimpleCookie()
    for cookie in cookies:
        jar.load(cookie)
    pairs = "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())
    try:
        return Answer(status, json.loads(body) if body else None, pairs)
    except ValueError:
        return Answer(status, body, pairs)
