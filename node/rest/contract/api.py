"""Routes by declaration: `@route("POST", "/inboxes", may="inbox.manage", body=NewInbox, answers={201: InboxOut})`.

Around each handler, in this order: origin of the page, authentication, authorisation (default deny), rate, path, query
and body decoded by their Structs; then the answer is encoded. The same declaration makes the OpenAPI document
(openapi.py), the console's types, and the test that asks every route as everybody.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, get_type_hints

import msgspec
import starlette.routing
from starlette.requests import Request
from starlette.responses import Response

from backbone.access import ACTIONS, REFUSED, OnConversation, OnTenant, Who, able, may
from backbone.errors import ChangedError, ForbiddenError, InvalidInputError, PreconditionError, TrunklineError
from backbone.ids import check_client_uuid, new_uuid
from node import greeting
from node.context import Context
from node.entry.limits import refuse_for
from node.entry.origins import network
from node.rest.contract import problems
from node.rest.contract.codes import STATUS
from node.rest.contract.once import Once
from node.rest.contract.requests import NO_STORE, at_of, context_of, decoded, json_body, own_page, query_of, who_asks

BASE: Final = "/api/v1"

Anyone = Literal["public", "signed_in", "visitor"]
"""In place of an action: nobody is asked who they are; any visitor or agent; a visitor alone."""

Guard = Anyone | OnTenant | OnConversation
ANYONE: Final = frozenset({"public", "signed_in", "visitor"})

Counts = Literal["request", "message"]
"""What a request is counted as; a message is a request, too."""

Handler = Callable[..., Awaitable[Any]]


class Media(NamedTuple):
    """An answer that isn't JSON: its media type, `*/*` for any; empty for none, as a redirect has."""

    type: str = ""


class Ask:
    """One request: the node's parts, who asks, and `reply`, whose headers and cookies go with the answer."""

    __slots__ = ("_who", "context", "reply", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.context: Context = context_of(request)
        self.reply = Response()
        self._who: Who | None = None

    @property
    def who(self) -> Who:
        """Who asks. Raises RuntimeError on a public route, where nobody was asked."""
        if self._who is None:
            raise RuntimeError("a public route asks nobody who they are")
        return self._who

    async def prove(self, guard: tuple[str, ...]) -> None:
        """Authenticates and authorises. Raises NotAuthenticatedError, ForbiddenError."""
        who = await who_asks(self.request)
        if code := refusal(who, guard):
            raise ForbiddenError(code, REFUSED[code])
        self._who = who

    def require(self, action: OnTenant) -> None:
        """For what a parameter asks for beyond the route's own `may`. Raises ForbiddenError."""
        if code := may(self.who, action):
            raise ForbiddenError(code, REFUSED[code])

    def take_rate(self) -> None:
        """Counts the request for its actor. Raises TooManyError `limit.rate`."""
        rate, key, now = self.context.requests, self.actor, time.monotonic()
        wait_s = rate.take(key, now)
        left, full_s = rate.left(key, now)
        self.reply.headers["RateLimit-Policy"] = f'"actor";q={rate.most:.0f};w=60'
        self.reply.headers["RateLimit"] = f'"actor";r={left:.0f};t={math.ceil(full_s)}'
        refuse_for(wait_s)

    def take_message(self) -> None:
        """Counts a message, as those on sockets are counted: by actor and address. Raises TooManyError `limit.rate`."""
        now = time.monotonic()
        rates = greeting.rates(self.context, self.who, network(self.request))
        self.context.quotas.hold(rates, now)
        refuse_for(max(rate.wait(now) for rate in rates))
        for rate in rates:
            rate.take(now)

    @property
    def actor(self) -> str:
        """Who asks, as a key; empty on a public route."""
        return f"{self._who.tenant}.{self._who.kind}.{self._who.id}" if self._who else ""

    def dressed(self, response: Response) -> Response:
        """`response` with the headers and cookies of `reply`."""
        response.raw_headers.extend(pair for pair in self.reply.raw_headers if pair[0] != b"content-length")
        return response

    def tag(self, revision: int) -> None:
        """The answer is of a record at this revision."""
        self.reply.headers["ETag"] = f'"{revision}"'

    def require_match(self) -> None:
        """Raises PreconditionError `settings.if_match` without `If-Match`."""
        if not self.request.headers.get("if-match", "").strip():
            raise PreconditionError(
                "settings.if_match",
                "Send If-Match with the ETag that you read (or the item's revision in quotes).",
                field="If-Match",
            )

    def check_match(self, revision: int) -> None:
        """Raises ChangedError `resource.changed` where `If-Match` names other revisions than the record has now."""
        wanted = self.request.headers.get("if-match", "").strip()
        if wanted not in {"", "*"} and f'"{revision}"' not in [one.strip() for one in wanted.split(",")]:
            raise ChangedError(
                "resource.changed", "Somebody has changed it since you read it; read it again.", field="If-Match"
            )

    @property
    def key(self) -> str:
        """The client's `Idempotency-Key`, empty without one. Raises InvalidInputError `id.uuid`."""
        given = self.request.headers.get("idempotency-key", "")
        return check_client_uuid(given, "Idempotency-Key") if given else ""

    def event_id(self, given: str) -> str:
        """The id of the event that is to be stored: the body's, else the key, else a new one.

        Raises InvalidInputError `id.uuid` for one that isn't a client's, and where body and key say two.
        """
        key = self.key
        if given and key and given != key:
            raise InvalidInputError("id.uuid", "id and Idempotency-Key must be the same, or one of them.", field="id")
        return check_client_uuid(given, "id") if given else key or new_uuid()


class Route(NamedTuple):
    """One declared route. `may`: all of these are needed; `answers`: by status, the first is the usual one."""

    method: str
    path: str
    may: tuple[str, ...]
    handler: Handler
    at: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    body: type[msgspec.Struct] | None
    answers: Mapping[int, Any]
    refuses: tuple[tuple[int, str], ...]
    takes: str
    counts: Counts
    tagged: bool
    must_match: bool
    named: str

    @property
    def is_once(self) -> bool:
        """Whether answers are kept under the client's `Idempotency-Key`: a message's is its event's id instead."""
        return self.method == "POST" and self.counts != "message"

    @property
    def name(self) -> str:
        """As declared, else the handler's with its module's: unique in the API."""
        return self.named or f"{self.handler.__module__.rpartition('.')[2]}.{self.handler.__name__}"

    @property
    def is_public(self) -> bool:
        """Whether nobody is asked who they are."""
        return self.may == ("public",)

    def mounted(self) -> starlette.routing.Route:
        """As Starlette serves it."""
        return starlette.routing.Route(self.path, _Endpoint(self).serve, methods=[self.method], name=self.name)


def route(
    method: Literal["GET", "POST", "PUT", "DELETE"],
    path: str,
    *,
    may: Guard | tuple[Guard, ...],
    answers: Mapping[int, Any],
    at: type[msgspec.Struct] | None = None,
    query: type[msgspec.Struct] | None = None,
    body: type[msgspec.Struct] | None = None,
    refuses: tuple[str | tuple[int, str], ...] = (),
    takes: str = "",
    counts: Counts = "request",
    tagged: bool = False,
    must_match: bool = False,
    name: str = "",
    base: str = BASE,
) -> Callable[[Handler], Route]:
    """Declares a route. The handler is called as `handler(ask, at=, query=, body=)`, with those that are declared.

    `may`: an action of `backbone.access`, several of which all are needed, or one of `Anyone`. An action on a
    conversation is asked of the conversation itself by the use-case, too. `at`: the path's parts. `takes`: the media
    type of a raw body that the handler reads itself. `counts`: by which rate it is limited. `tagged`: its answers
    have an `ETag`, or it heeds `If-Match`; `must_match`: it refuses a request without one. `name`: `<tag>.<operation>`,
    where handlers are generated. `refuses`: codes beside the usual ones.
    Raises TypeError for a declaration that contradicts itself or its handler: the node doesn't start.
    """
    guard = (may,) if isinstance(may, str) else tuple(may)
    known = tuple((STATUS[one], one) if isinstance(one, str) else one for one in refuses)

    def declared(handler: Handler) -> Route:
        made = Route(
            method,
            base + path,
            guard,
            handler,
            at=at,
            query=query,
            body=body,
            answers=answers,
            refuses=known,
            takes=takes,
            counts=counts,
            tagged=tagged or must_match,
            must_match=must_match,
            named=name,
        )
        _check(made)
        return made

    return declared


def _check(made: Route) -> None:
    """A route as it must be. Raises TypeError."""
    if not made.may or not set(made.may) <= ACTIONS | ANYONE or (len(made.may) > 1 and set(made.may) & ANYONE):
        raise TypeError(f"{made.method} {made.path}: may={made.may} says nobody, or somebody unknown")
    hints = get_type_hints(made.handler)
    given = {"at": made.at, "query": made.query, "body": made.body}
    wanted = {name: kind for name, kind in given.items() if kind is not None}
    if {name: kind for name, kind in hints.items() if name in given} != wanted:
        raise TypeError(f"{made.method} {made.path}: {made.name} takes other Structs than are declared")
    usual = next(iter(made.answers.values()))
    returned = hints.get("return")
    if returned is not Response and returned is not (type(None) if usual is None else usual):
        raise TypeError(f"{made.method} {made.path}: {made.name} returns {returned}, declared is {usual}")
    parts = set(starlette.routing.compile_path(made.path)[2])
    if parts != set(made.at.__struct_fields__ if made.at else ()):
        raise TypeError(f"{made.method} {made.path}: the path's parts aren't those of {made.at}")


class _Endpoint:
    """What Starlette calls for a route."""

    __slots__ = ("route",)

    def __init__(self, route: Route) -> None:
        self.route = route

    async def serve(self, request: Request) -> Response:
        """Answers a request; a refusal is an answer too."""
        ask = Ask(request)
        try:
            return await self._answer(ask)
        except TrunklineError as error:
            return ask.dressed(await problems.on_trunkline_error(request, error))

    async def _answer(self, ask: Ask) -> Response:
        made, request = self.route, ask.request
        if not made.is_public or made.method != "GET":
            own_page(request)
        if not made.is_public:
            await ask.prove(made.may)
            ask.take_rate()
            if made.counts == "message":
                ask.take_message()
        if made.must_match:
            ask.require_match()
        given: dict[str, Any] = {}
        if made.at is not None:
            given["at"] = at_of(request, made.at)
        if made.query is not None:
            given["query"] = query_of(request, made.query)
        raw = b""
        if made.body is not None:
            raw = await json_body(request)
            given["body"] = decoded(raw, made.body)
        if made.is_once and ask.key:
            return await self._once(ask, raw, given)
        return ask.dressed(_encoded(made, await made.handler(ask, **given)))

    async def _once(self, ask: Ask, raw: bytes, given: dict[str, Any]) -> Response:
        """As the earlier try under this key was answered; if there is none, this is it."""
        if self.route.is_public:
            # Whoever learned the key of a sign-in must not find its body, and so the password, by asking.
            ask.context.logins.address(network(ask.request), time.monotonic())
        url, headers = ask.request.url, ask.request.headers
        length = "" if self.route.body else headers.get("content-length", "")
        once = Once(ask.context, ask.actor, ask.key, f"{url.path}?{url.query} {length}\n".encode() + raw)
        found = await once.found()
        if found is not None:
            return ask.dressed(found)
        try:
            response = ask.dressed(_encoded(self.route, await self.route.handler(ask, **given)))
        except BaseException:
            await once.give_back()
            raise
        await once.keep(response)
        return response


def is_declared(mounted: starlette.routing.Route) -> bool:
    """Whether a route of the application was made by `@route`."""
    return isinstance(getattr(mounted.endpoint, "__self__", None), _Endpoint)


def _encoded(made: Route, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    status = next(iter(made.answers))
    if result is None:
        return Response(status_code=status, headers=NO_STORE)
    return Response(msgspec.json.encode(result), status, NO_STORE, media_type="application/json")


def refusal(who: Who, guard: tuple[str, ...]) -> str | None:
    """None if a route of this `may` lets `who` in, else the code. What depends on the resource is asked later."""
    return next((code for wanted in guard if (code := _refusal(who, wanted))), None)


def _refusal(who: Who, wanted: str) -> str | None:
    """None if `who` may, as far as can be told without the resource, else the code."""
    if wanted == "visitor":
        return None if who.kind == "visitor" else "access.visitors_only"
    return None if wanted == "signed_in" else able(who, wanted)
