"""Users of an app with their devices, and the two services that reach those: APNs by HTTP/2 and FCM HTTP v1.

There are no callbacks: what a user says goes by a socket to a node, which `post` does in the app's place.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec import Struct
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.app import tokens
from tests.simulators.app.h2server import Answer, Asked, H2Server
from tests.simulators.app.phone import Company, Phone
from tests.simulators.base import Accepted, Answered, Fault, Line, Push, Reset, Simulator

APNS_FAULTS = {
    "limited": (429, "TooManyRequests"),
    "busy": (503, "ServiceUnavailable"),
    "refused": (403, "InvalidProviderToken"),
    "token": (403, "ExpiredProviderToken"),
    "rejected": (413, "PayloadTooLarge"),
}
FCM_FAULTS = {
    "limited": (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
    "busy": (503, "UNAVAILABLE", "UNAVAILABLE"),
    "refused": (403, "PERMISSION_DENIED", ""),
    "token": (401, "UNAUTHENTICATED", ""),
    "rejected": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
}
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
SAYS = "SAY"
"""The method of what is no request: something that a user says."""

BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class _Device(Struct):
    peer: str
    service: str
    token: str
    gone_at: float = 0.0


class AppSimulator(Simulator):
    """Any number of users with devices. `rejects` are tokens that belong to another app or project."""

    name: ClassVar[str] = "app"
    excused: ClassVar[frozenset[str]] = frozenset({"window", "media_gone", "empty"})
    """An empty 200 is how Apple says that it took a push."""

    waits_long: ClassVar[frozenset[str]] = frozenset({"token"})
    tells_when: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.key_id, self.team_id, self.topic, self.project = "ABC123DEFG", "DEF123GHIJ", "com.example.tea", "tea-app"
        self.token_life_s = 3600.0
        self.renewal_least_s = 1200.0
        """A provider token that was made anew sooner than this is refused."""

        self.access_life_s = 3600
        self.apns = H2Server(self._pushed)
        self.apns_base = ""
        self.apns_tokens: list[tuple[str, float]] = []
        """Provider tokens in the order they came, with the time that they were made."""

        self.granted: list[str] = []
        self.rejects: set[str] = set()
        self._devices: dict[str, _Device] = {}
        self._apns_key = ec.generate_private_key(ec.SECP256R1())
        self._google_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._access: dict[str, float] = {}
        self._company = Company("tea", "a secret of the company's server")
        self._phones: dict[str, Phone] = {}

    # --- the user --------------------------------------------------------------------------

    def device(self, peer: str, service: str) -> str:
        """A user installs the app on one more device: its push token."""
        number = self.new_id()
        token = f"{number:064x}" if service == "apns" else f"fcm-{number}:APA91b{'x' * 20}"
        self._devices[token] = _Device(peer, service, token)
        return token

    def uninstall(self, token: str) -> None:
        """The app is removed; the service finds out at the next push."""
        self._devices[token].gone_at = self.clock.now()

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """What a user says: `deliver` has their app send it to a node. An app says nothing of other kinds."""
        del more
        if kind not in {"text", "image"}:
            return []
        self._said(peer, kind, text)
        key = str(uuid.uuid4())
        said = json.dumps({"id": key, "peer": peer, "text": text, "content": content.hex()})
        return [Push(request=Request(method=SAYS, body=said.encode()), id=key)]

    async def post(self, request: Request, hook: str = "") -> Answered:
        """As the app does for what users say; all else goes to the hook, which an app doesn't have."""
        if request.method != SAYS:
            return await super().post(request, hook)
        said = json.loads(request.body)
        phone = self.phone(said["peer"], hook)
        try:
            await phone.sign_in(self.push_token(said["peer"]))
            return Answered(await phone.write(said["id"], said["text"], bytes.fromhex(said["content"])), b"")
        except (OSError, TimeoutError, ValueError):
            return Answered(0, b"")

    def phone(self, peer: str, hook: str = "") -> Phone:
        """A user's app."""
        http, _, inbox = (hook or self.hook).partition("/hooks/app/")
        return self._phones.setdefault(f"{peer} {inbox}", Phone(http, inbox, self._company, peer))

    def push_token(self, peer: str) -> str:
        """The token of the user's iPhone."""
        mine = (d.token for d in self._devices.values() if d.peer == peer and d.service == "apns")
        return next(mine, "") or self.device(peer, "apns")

    def forged(self, push: Push) -> list[Request]:
        """Callbacks that nobody makes."""
        return [Request(method="POST", body=push.request.body)]

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        service_account = {
            "type": "service_account",
            "project_id": self.project,
            "client_email": f"push@{self.project}.iam.gserviceaccount.com",
            "private_key": _pem(self._google_key),
            "token_uri": f"{self.base}/token",
        }
        return {
            "tenant": self._company.name,
            "secret": self._company.secret,
            "shows_text": True,
            "apns_key": _pem(self._apns_key),
            "apns_key_id": self.key_id,
            "apns_team_id": self.team_id,
            "apns_topic": self.topic,
            "apns_api": self.apns_base,
            "apns_sandbox_api": self.apns_base,
            "apns_verify": False,
            "fcm_service_account": json.dumps(service_account),
            "fcm_api": self.base,
        }

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[AppSimulator]:
        """Serves both for as long as the block lasts."""
        self.apns_base = await self.apns.start()
        try:
            async with super().running(port):
                yield self
        finally:
            await self.apns.stop()

    def _shown(self, device: _Device, push_id: str, alert: dict[str, str], collapse: str) -> None:
        """A notification; a later one with the same collapse id stands in the place of the one before."""
        one = Accepted(id=push_id, peer=device.peer, kind="text", text=alert["body"])
        one.more = {"service": device.service, "device": device.token, "title": alert["title"], "collapse": collapse}
        one.at = self.clock.now()
        before = [a for a in self.accepted if a.more["device"] == device.token and a.more["collapse"] == collapse]
        if before and before[-1].id == push_id:
            # The same push again shows nothing new.
            return
        self.accepted.append(one)
        line = Line(mine=False, kind="text", text=alert["body"], at=one.at)
        self._line(device.peer, line)
        lines = self.customers.setdefault(f"{device.peer} {device.token}", [])
        if collapse and before and lines:
            lines[-1] = line
        else:
            lines.append(line)

    # --- APNs ------------------------------------------------------------------------------

    async def _pushed(self, asked: Asked) -> Answer:
        fault = self.next_fault()
        if common := self.common_fault(fault):
            return Answer(common.status_code, bytes(common.body), {}, isinstance(common, Reset))
        if fault and fault.name in APNS_FAULTS:
            return _apns_error(*APNS_FAULTS[fault.name])
        if fault and fault.name == "slow":
            await self.take_time(fault)
        return self._pushed_well(asked, is_lost=bool(fault and fault.name == "lost"))

    def _pushed_well(self, asked: Asked, *, is_lost: bool) -> Answer:
        headers = asked.headers
        token = headers[":path"].rpartition("/")[2]
        device = self._devices.get(token)
        checks = (
            (headers[":method"] != "POST", 405, "MethodNotAllowed"),
            (not headers[":path"].startswith("/3/device/"), 404, "BadPath"),
            (headers.get("apns-topic") != self.topic, 400, "TopicDisallowed"),
            (headers.get("apns-push-type") != "alert", 400, "InvalidPushType"),
            (headers.get("apns-priority") not in {"10", "5"}, 400, "BadPriority"),
            (not headers.get("apns-expiration", "0").isdigit(), 400, "BadExpirationDate"),
            (len(headers.get("apns-collapse-id", "")) > 64, 400, "BadCollapseId"),
            (len(asked.body) > 4096, 413, "PayloadTooLarge"),
            (not asked.body, 400, "PayloadEmpty"),
            (len(token) != 64, 400, "BadDeviceToken"),
            (token in self.rejects, 400, "DeviceTokenNotForTopic"),
            (device is None or device.service != "apns", 400, "BadDeviceToken"),
        )
        wrong = self._provider_problem(headers.get("authorization", "")) or next(
            ((status, reason) for is_so, status, reason in checks if is_so), None
        )
        if wrong or device is None:
            return _apns_error(*(wrong or (400, "BadDeviceToken")))
        if device.gone_at:
            return _apns_error(410, "Unregistered", timestamp=int(device.gone_at * 1000))
        alert = json.loads(asked.body)["aps"]["alert"]
        push_id = headers.get("apns-id", "")
        self._shown(device, push_id, alert, headers.get("apns-collapse-id", ""))
        return Answer(200, b"", {"apns-id": push_id}, is_lost)

    def _provider_problem(self, authorization: str) -> tuple[int, str] | None:
        token = authorization.removeprefix("bearer ")
        header, claims = tokens.opened(token, self._apns_key.public_key())
        now = self.clock.now()
        if header.get("kid") != self.key_id or header.get("alg") != "ES256" or claims.get("iss") != self.team_id:
            return 403, "InvalidProviderToken"
        if now - claims["iat"] > self.token_life_s:
            return 403, "ExpiredProviderToken"
        if not self.apns_tokens or self.apns_tokens[-1][0] != token:
            if self.apns_tokens and claims["iat"] - self.apns_tokens[-1][1] < self.renewal_least_s:
                return 429, "TooManyProviderTokenUpdates"
            self.apns_tokens.append((token, claims["iat"]))
        return None

    # --- FCM -------------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """FCM and Google's token server."""
        return [
            Route("/v1/projects/{project}/messages:send", self._sent, methods=["POST"]),
            Route("/token", self._granted, methods=["POST"]),
        ]

    async def _granted(self, request: HttpRequest) -> Response:
        form = parse_qs((await request.body()).decode())
        header, claims = tokens.opened(form.get("assertion", [""])[0], self._google_key.public_key())
        now = self.clock.now()
        is_good = (
            form.get("grant_type") == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
            and header.get("alg") == "RS256"
            and claims.get("aud") == f"{self.base}/token"
            and claims.get("scope") == "https://www.googleapis.com/auth/firebase.messaging"
            and claims.get("iss") == f"push@{self.project}.iam.gserviceaccount.com"
            and claims["iat"] <= now + 60
            and claims["exp"] - claims["iat"] <= 3600
            and claims["exp"] > now
        )
        if not is_good:
            return JSONResponse({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        token = f"ya29.{self.new_id()}"
        self.granted.append(token)
        self._access[token] = now + self.access_life_s
        return JSONResponse({"access_token": token, "expires_in": self.access_life_s, "token_type": "Bearer"})

    async def _sent(self, request: HttpRequest) -> Response:
        fault = self.next_fault()
        if common := self.common_fault(fault):
            return common
        if fault and fault.name in FCM_FAULTS:
            return _scripted(fault)
        if fault and fault.name == "slow":
            await self.take_time(fault)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._access.get(token, 0) < self.clock.now():
            return _fcm_error(401, "UNAUTHENTICATED", "")
        if request.path_params["project"] != self.project:
            return _fcm_error(403, "PERMISSION_DENIED", "")
        body = await request.body()
        answer = self._sent_well(json.loads(body)["message"], len(body))
        return Reset() if fault and fault.name == "lost" else answer

    def _sent_well(self, message: dict[str, Any], size: int) -> Response:
        device = self._devices.get(message["token"])
        if any(not isinstance(value, str) for value in message.get("data", {}).values()):
            return _fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field="message.data")
        if size > 4096 + 20:
            return _fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field="message")
        if message["token"] in self.rejects:
            return _fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH")
        if device is None or device.service != "fcm":
            return _fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", field="message.token")
        if device.gone_at:
            return _fcm_error(404, "NOT_FOUND", "UNREGISTERED")
        name = f"projects/{self.project}/messages/{self.new_id()}"
        self._shown(device, name, message["notification"], message["android"]["notification"]["tag"])
        return JSONResponse({"name": name})


def _scripted(fault: Fault) -> Response:
    answer = _fcm_error(*FCM_FAULTS[fault.name])
    if fault.after_s is not None:
        answer.headers["Retry-After"] = f"{fault.after_s:g}"
    return answer


def _apns_error(status: int, reason: str, **more: Any) -> Answer:
    return Answer(status, json.dumps({"reason": reason, **more}).encode())


def _fcm_error(status: int, name: str, code: str, *, field: str = "") -> Response:
    details: list[dict[str, Any]] = [{"@type": FCM_ERROR, "errorCode": code}] if code else []
    if field:
        details.append({"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": "wrong"}]})
    error = {"code": status, "message": "words", "status": name, "details": details}
    return JSONResponse({"error": error}, status)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
