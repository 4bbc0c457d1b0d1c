"""LINE's Messaging API for one channel: developers.line.biz, Messaging API reference."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.simulators.base import Accepted, Fault, Reset
from tests.simulators.line.customers import BOT, Customers
from tests.simulators.line.messages import problems

DAY_S = 86_400.0
BODY_BYTES = 2 * 1024 * 1024

REFUSALS = {
    "limited": (429, "The API rate limit has been exceeded. Try again later."),
    "busy": (503, "Service Unavailable"),
    "rejected": (400, "The request body has 1 error(s)"),
}
WRONG_TOKEN = (
    "Authentication failed due to the following reason: invalid token. Confirm that the access token in "
    "the authorization header is valid."
)

Handler = Callable[[HttpRequest], Awaitable[Response]]


class LineSimulator(Customers):
    """One channel. Pushes know their retry key for a day; a reply costs nothing, a push is one of the month's."""

    excused: ClassVar[frozenset[str]] = frozenset({"window", "media_gone"})
    tells_when: ClassVar[bool] = False
    takes_addresses: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.access_token = "a-long-lived-token-of-the-channel"
        self.is_long_lived = False
        """Whether its accounts have the long-lived token, or issue those of 15 minutes."""

        self.token_life_s = 900
        self.month_most = 0
        """Messages of the plan a month, 0 for any number."""

        self.pushed = 0
        self.webhook = "https://desk.example.com/hooks/line/shop"
        self.is_webhook_used = True
        self.webhook_status = 200
        self.has_failed_files = False
        self.typed: list[str] = []
        self.read: list[str] = []
        self._tokens: dict[str, float] = {}
        self._retry_keys: dict[str, tuple[float, str, list[dict[str, str]]]] = {}

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        by = {"access_token": self.access_token} if self.is_long_lived else {"channel_id": self.channel_id}
        return {"secret": self.secret, "api": self.base, "data_api": self.base, **by}

    def shown_typing(self, peer: str) -> int:
        """How often the customer was shown dots."""
        return self.typed.count(self.user_of(peer))

    def shown_read(self, peer: str) -> int:
        """How many marks of reading the customer was shown."""
        return self.read.count(self.user_of(peer))

    def known_as(self, peer: str) -> tuple[str, dict[str, str]]:
        """The name of a profile."""
        return peer, {}

    # --- routes ------------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Tokens, messages, content, profiles, and what an account is asked about."""
        bot = "/v2/bot"
        return [
            Route("/oauth2/v3/token", self._token, methods=["POST"]),
            Route(f"{bot}/message/reply", self._sends(self._reply), methods=["POST"]),
            Route(f"{bot}/message/push", self._sends(self._push), methods=["POST"]),
            Route(f"{bot}/message/quota", self._known(self._quota)),
            Route(f"{bot}/message/quota/consumption", self._known(self._consumption)),
            Route(f"{bot}/message/{{message}}/content", self._known(self._file)),
            Route(f"{bot}/message/{{message}}/content/transcoding", self._known(self._transcoding)),
            Route(f"{bot}/chat/loading/start", self._known(self._loading), methods=["POST"]),
            Route(f"{bot}/chat/markAsRead", self._known(self._mark_read), methods=["POST"]),
            Route(f"{bot}/profile/{{user}}", self._known(self._profile)),
            Route(f"{bot}/group/{{group}}/summary", self._known(self._summary)),
            Route(f"{bot}/group/{{group}}/member/{{user}}", self._known(self._member)),
            Route(f"{bot}/room/{{group}}/member/{{user}}", self._known(self._member)),
            Route(f"{bot}/info", self._known(self._info)),
            Route(f"{bot}/channel/webhook/endpoint", self._known(self._endpoint)),
            Route(f"{bot}/channel/webhook/test", self._known(self._test), methods=["POST"]),
            Route("/elsewhere/{message}", self._elsewhere),
        ]

    def _known(self, handler: Handler) -> Handler:
        async def answer(request: HttpRequest) -> Response:
            if not self._is_known(request):
                return _error(401, WRONG_TOKEN)
            return await handler(request)

        return answer

    def _sends(self, handler: Callable[[HttpRequest, Fault | None], Awaitable[Response]]) -> Handler:
        async def answer(request: HttpRequest) -> Response:
            fault, answer = await self._met(request)
            return answer or await handler(request, fault)

        return answer

    async def _met(self, request: HttpRequest) -> tuple[Fault | None, Response | None]:
        """The scripted fault, and the answer where that is one already."""
        fault = self.next_fault()
        if fault and fault.name in {"token", "refused"}:
            self._tokens.clear()
            return fault, _error(401, WRONG_TOKEN)
        answer = self.common_fault(fault)
        if answer is None and fault and fault.name in REFUSALS:
            answer = _error(*REFUSALS[fault.name])
        if answer is None and not self._is_known(request):
            answer = _error(401, WRONG_TOKEN)
        if answer is None and "json" not in request.headers.get("content-type", ""):
            answer = _error(415, "Unsupported Media Type")
        if answer is None and len(await request.body()) > BODY_BYTES:
            answer = _error(413, "Payload Too Large")
        if fault and fault.name == "slow":
            await self.take_time(fault)
        return fault, answer

    # --- tokens ------------------------------------------------------------------------------

    def _is_known(self, request: HttpRequest) -> bool:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        is_live = self._tokens.get(token, 0) > self.clock.now()
        return kind == "Bearer" and (is_live or (self.is_long_lived and token == self.access_token))

    async def _token(self, request: HttpRequest) -> Response:
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return JSONResponse({"error": "invalid_request", "error_description": "content type"}, 400)
        given = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        wanted = {
            "grant_type": "client_credentials",
            "client_id": self.channel_id,
            "client_secret": self.secret,
        }
        if given != wanted or (self._script and self._script[0].name == "refused"):
            return JSONResponse({"error": "invalid_client", "error_description": "invalid client_secret"}, 400)
        token = f"stateless.{uuid.uuid4().hex}"
        self._tokens[token] = self.clock.now() + self.token_life_s
        return JSONResponse({"token_type": "Bearer", "access_token": token, "expires_in": self.token_life_s})

    # --- messages ----------------------------------------------------------------------------

    async def _reply(self, request: HttpRequest, fault: Fault | None) -> Response:
        if "x-line-retry-key" in request.headers:
            return _error(400, "X-Line-Retry-Key is not supported")
        body = await request.json()
        chat, until = self.reply_tokens.get(body["replyToken"], ("", 0.0))
        if until < self.clock.now():
            return _error(400, "Invalid reply token")
        if wrong := problems(body.get("messages"), chat, self.quote_tokens):
            return _wrong(wrong)
        del self.reply_tokens[body["replyToken"]]
        answer = JSONResponse({"sentMessages": self._taken(chat, body["messages"], "reply")})
        return Reset() if fault and fault.name == "lost" else answer

    async def _push(self, request: HttpRequest, fault: Fault | None) -> Response:
        key = request.headers.get("x-line-retry-key", "")
        if key and not _is_uuid(key):
            return _error(400, "Invalid retry key")
        at, request_id, sent = self._retry_keys.get(key, (0.0, "", []))
        if key and self.clock.now() < at + DAY_S:
            refused = JSONResponse({"message": "The retry key is already accepted", "sentMessages": sent}, 409)
            refused.headers["x-line-accepted-request-id"] = request_id
            return refused
        body = await request.json()
        chat = body.get("to", "")
        if chat not in self.names:
            return _error(400, "The property, 'to', in the request body is invalid (line: -, column: -)")
        if wrong := problems(body.get("messages"), chat, self.quote_tokens):
            return _wrong(wrong)
        if self.month_most and self.pushed >= self.month_most:
            return _error(429, "You have reached your monthly limit.")
        self.pushed += 1
        sent = self._taken(chat, body["messages"], "push")
        if key:
            self._retry_keys[key] = (self.clock.now(), str(uuid.uuid4()), sent)
        return Reset() if fault and fault.name == "lost" else JSONResponse({"sentMessages": sent})

    def _taken(self, chat: str, messages: list[dict[str, Any]], how: str) -> list[dict[str, str]]:
        """Who has blocked the account gets nothing, and LINE says nothing of it."""
        sent = []
        for one in messages:
            number = str(461_000_000_000_000_000 + self.new_id())
            sent.append({"id": number, "quoteToken": self.new_quote_token(chat)})
            if chat in self.blocked:
                continue
            more = {"how": how, "message": one}
            self._accept(
                Accepted(id=number, peer=self.names[chat], kind=one["type"], text=one.get("text", ""), more=more)
            )
        return sent

    async def _quota(self, _request: HttpRequest) -> Response:
        return JSONResponse({"type": "limited", "value": self.month_most} if self.month_most else {"type": "none"})

    async def _consumption(self, _request: HttpRequest) -> Response:
        return JSONResponse({"totalUsage": self.pushed})

    # --- what customers sent -----------------------------------------------------------------

    async def _file(self, request: HttpRequest) -> Response:
        number = request.path_params["message"]
        found = self.files.get(number)
        if found is None:
            return _error(404, "Not found")
        if number in self.ended:
            return _error(410, "Gone")
        if self.is_kept_back():
            return Response(b"", 202)
        return Response(found[0], media_type=found[1])

    async def _transcoding(self, request: HttpRequest) -> Response:
        if request.path_params["message"] not in self.files:
            return _error(404, "Not found")
        if self.has_failed_files:
            return JSONResponse({"status": "failed"})
        return JSONResponse({"status": "processing" if self.is_kept_back() else "succeeded"})

    async def _elsewhere(self, request: HttpRequest) -> Response:
        """The server of an app that sends files in customers' names."""
        if "authorization" in request.headers:
            return Response("a token of LINE's has no business here", 403)
        found = self.files.get(request.path_params["message"])
        return Response(found[0], media_type=found[1]) if found else Response("gone", 404)

    # --- people ------------------------------------------------------------------------------

    async def _loading(self, request: HttpRequest) -> Response:
        body = await request.json()
        if not body["chatId"].startswith("U") or body.get("loadingSeconds", 20) not in range(5, 61, 5):
            return _error(400, "The value is invalid")
        self.typed.append(body["chatId"])
        return JSONResponse({}, 202)

    async def _mark_read(self, request: HttpRequest) -> Response:
        chat = self.read_tokens.get((await request.json())["markAsReadToken"])
        if chat is None:
            return _error(400, "The value is invalid")
        self.read.append(chat)
        return JSONResponse({})

    async def _profile(self, request: HttpRequest) -> Response:
        user = request.path_params["user"]
        if user not in self.names or user in self.blocked:
            return _error(404, "Not found")
        return JSONResponse(
            {
                "displayName": self.names[user],
                "userId": user,
                "language": "en",
                "pictureUrl": "https://profile.line-scdn.net/0h",
                "statusMessage": "Hello",
            }
        )

    async def _summary(self, request: HttpRequest) -> Response:
        group = request.path_params["group"]
        if group not in self.names:
            return _error(404, "Not found")
        return JSONResponse({"groupId": group, "groupName": self.names[group]})

    async def _member(self, request: HttpRequest) -> Response:
        user, group = request.path_params["user"], request.path_params["group"]
        if user not in self.names or group not in self.names:
            return _error(404, "Not found")
        return JSONResponse({"displayName": self.names[user], "userId": user})

    # --- the account -------------------------------------------------------------------------

    async def _info(self, _request: HttpRequest) -> Response:
        return JSONResponse(
            {
                "userId": BOT,
                "basicId": "@216ru",
                "displayName": "Tea house",
                "chatMode": "chat",
                "markAsReadMode": "manual",
            }
        )

    async def _endpoint(self, _request: HttpRequest) -> Response:
        if not self.webhook:
            return _error(404, "Webhook URL is not set")
        return JSONResponse({"endpoint": self.webhook, "active": self.is_webhook_used})

    async def _test(self, _request: HttpRequest) -> Response:
        is_well = self.webhook_status == 200
        return JSONResponse(
            {
                "success": is_well,
                "timestamp": "2026-11-28T00:00:00Z",
                "statusCode": self.webhook_status,
                "reason": "OK" if is_well else "ERROR_STATUS_CODE",
                "detail": str(self.webhook_status),
            }
        )


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message}, status)


def _wrong(details: list[dict[str, str]]) -> JSONResponse:
    return JSONResponse({"message": f"The request body has {len(details)} error(s)", "details": details}, 400)
