"""The app on a user's device: signs in by the company's token, registers, writes by a socket, and goes behind."""

from __future__ import annotations

import asyncio
import json
import time
from typing import NamedTuple
from urllib.parse import quote

from joserfc import jwt
from joserfc.jwk import OctKey

from trunkline import rest
from trunkline.client import Client, RefusedError

TOKEN_S = 900
STORED_WITHIN_S = 4


class Company(NamedTuple):
    """What the company's server signs by."""

    name: str
    secret: str

    def token(self, user: str) -> str:
        """A token for whoever is signed in there."""
        now = int(time.time())
        claims = {"sub": user, "iat": now, "exp": now + TOKEN_S, "tenant": self.name, "name": user.title()}
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(self.secret), ["HS256"])


class Phone:
    """One user's app, which talks to a node."""

    def __init__(self, http: str, inbox: str, company: Company, user: str) -> None:
        self.http = http
        self._inbox = inbox
        self._company = company
        self._user = user
        self.token = ""
        self._signing_in = asyncio.Lock()

    async def sign_in(self, push_token: str = "", before: str = "") -> None:
        """Becomes the user, with a device where one is given; once. Raises ValueError if refused."""
        async with self._signing_in:
            if self.token:
                return
            asked = {"inbox": self._inbox, "identity": self._company.token(self._user), "token": before}
            answer = await asyncio.to_thread(rest.call, "POST", f"{self.http}/api/v1/visitors", asked)
            if answer.status != 200:
                raise ValueError(f"refused: {answer}")
            token = str(answer.body["token"])
            if push_token:
                done = await asyncio.to_thread(device, "PUT", self.http, token, push_token, {"service": "apns"})
                if done.status != 204:
                    raise ValueError(f"refused: {done}")
            self.token = token

    def client(self) -> Client:
        """A connection, once signed in."""
        return Client([self.http.replace("http", "ws", 1) + "/ws"], token=self.token, client="app")

    async def write(self, message_id: str, text: str, content: bytes = b"") -> int:
        """Sends a message and goes behind; the status as HTTP would say it: 503 where it isn't stored soon and stays
        with the app. The same id again is the same message.
        """
        attachments = []
        if content:
            saved = await asyncio.to_thread(
                rest.upload, self.http, "picture.png", content, "image/png", token=self.token
            )
            attachments = [saved.body["file"]]
        try:
            async with asyncio.timeout(STORED_WITHIN_S), self.client().running() as client:
                await client.send(text, id=message_id, attachments=attachments)
        except RefusedError as refused:
            return 503 if refused.code.startswith("log.") else 400
        except TimeoutError:
            return 503
        return 200


def device(method: str, http: str, token: str, push_token: str, body: dict[str, object] | None = None) -> rest.Answer:
    """Registers or drops a device for the visitor of `token`."""
    return rest.call(
        method,
        f"{http}/api/v1/visitors/devices/{quote(push_token, safe='')}",
        None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}"},
    )
