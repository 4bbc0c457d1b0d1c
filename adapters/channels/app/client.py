"""The app's channel: pushes. Its sockets are the node's, so nothing comes in here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import httpx2
import msgspec
from msgspec import Struct

from adapters.channels.app import apns, devices, fcm, identity, settings
from adapters.channels.app.verdicts import Gone
from backbone.channel import (
    BadSignatureError,
    Caps,
    Check,
    Claim,
    Device,
    Event,
    Fault,
    FaultError,
    Kit,
    MalformedError,
    Out,
    Pause,
    Peer,
    Rejected,
    Reply,
    Request,
    Retry,
    Sent,
    Token,
    TokenExpired,
    Unknown,
)
from backbone.errors import InvalidInputError
from backbone.outside import connect, guard

TIMEOUT_S: Final = 15.0
PUSHED_LIFE_S: Final = 86_400


class _Granted(Struct):
    access_token: str
    expires_in: int


class App:
    """The channel `app`: one app an inbox."""

    name: ClassVar[str] = "app"
    Account: ClassVar[type[Struct]] = settings.Account
    caps: ClassVar[Caps] = Caps(
        text=(16_384, "chars"),
        together=True,
        idempotent=True,
        visited=True,
        callbacks=False,
        token_as=("bearer", "Authorization"),
        timeout_s=TIMEOUT_S,
    )

    def __init__(self) -> None:
        self._connections: dict[bool, httpx2.AsyncClient] = {}
        """To Apple, kept open as it wants; by whether certificates are verified."""

    async def close(self) -> None:
        """Closes the connections to Apple."""
        while self._connections:
            await self._connections.popitem()[1].aclose()

    def identify(self, claim: Claim, acc: settings.Account, now: float) -> Peer:
        """The user of the company's that a claim proves. Raises NotAuthenticatedError."""
        if claim.identity:
            return identity.verify(claim.identity, acc, now)
        return identity.verify_user_hash(claim.user, claim.user_hash, acc)

    async def device(self, peer: Peer, device: Device, acc: settings.Account, kit: Kit, *, is_there: bool) -> None:
        """Rings it from now on, or no longer. Raises InvalidInputError `device.token_invalid`."""
        del acc
        if not is_there:
            await devices.drop(kit, peer.id, {device.token})
        elif not await devices.add(kit, peer.id, device):
            raise InvalidInputError(
                "device.token_invalid", f"It isn't a push token of {device.service}.", field="token"
            )

    def verify(self, req: Request, acc: settings.Account) -> Reply | None:
        """There are no callbacks."""
        del req, acc
        raise BadSignatureError

    def parse(self, req: Request, acc: settings.Account) -> Iterable[Event]:
        """There are no callbacks."""
        del req, acc
        raise MalformedError("an app has no callbacks")

    def classify(self, status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
        """What Google answered; Apple is reached by another way than the kit's, since it wants HTTP/2."""
        return fcm.verdict(status, body, headers)

    async def send(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """Rings every device of the user; one that was rung isn't rung again by another try.

        The message itself is in the log and shown once the app is back. Without a device there is nothing to do.
        """
        already = set((await kit.recall(f"pushed:{out.key}")).split())
        known = await devices.load(kit, out.peer.id)
        wanted = [one for one in known if one.token not in already and _is_set_up(one, acc)]
        outcomes = list(
            zip(wanted, await asyncio.gather(*(self._rung(one, out, acc, kit) for one in wanted)), strict=True)
        )
        rung = already | {device.token for device, error in outcomes if error is None}
        gone = {device.token for device, error in outcomes if error and _is_gone(device, error.fault)}
        if gone:
            await devices.drop(kit, out.peer.id, gone)
        errors = [error for _, error in outcomes if error and not isinstance(error.fault, Gone)]
        if not errors or (rung and all(isinstance(error.fault, Rejected) for error in errors)):
            return Sent(state="accepted")
        if rung:
            await kit.remember(f"pushed:{out.key}", " ".join(rung), PUSHED_LIFE_S)
        raise min(errors, key=_rank)

    async def token(self, acc: settings.Account, kit: Kit, name: str, previous: Token | None) -> Token:
        """`apns`: signed here. `fcm`: asked of Google for an assertion that is signed here."""
        del previous
        if name == "apns":
            return apns.token(acc, kit.now())
        account = fcm.service_account(acc)
        answer = await kit.call(
            account.token_uri,
            body=fcm.assertion(account, kit.now()),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            token="",
        )
        try:
            granted = msgspec.json.decode(answer.body, type=_Granted)
        except (msgspec.DecodeError, ValueError):
            raise FaultError(Retry(), "no token in the answer") from None
        return Token(value=granted.access_token, life_s=max(1, granted.expires_in))

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """Are the keys good, as far as can be told without a device?"""
        found = []
        if acc.apns_key:
            found.append(Check("apns", await _problem(kit, "apns")))
        if acc.fcm_service_account:
            found.append(Check("fcm", await _problem(kit, "fcm")))
        return found or [Check("push", "Neither Apple's nor Google's service is set up: no device is rung.")]

    async def _rung(self, device: Device, out: Out, acc: settings.Account, kit: Kit) -> FaultError | None:
        try:
            if not devices.is_one(device):
                return FaultError(Gone("a token that is none"))
            await (self._apns(device, out, acc, kit) if device.service == "apns" else _fcm(device, out, acc, kit))
        except FaultError as error:
            return error
        return None

    async def _apns(self, device: Device, out: Out, acc: settings.Account, kit: Kit) -> None:
        api = acc.apns_sandbox_api if device.sandbox else acc.apns_api
        connection = await self._connection(verifies=acc.apns_verify)
        for is_last in (False, True):
            headers = {**apns.headers(out, acc, kit.now()), "authorization": f"bearer {await kit.token('apns')}"}
            try:
                target, named, extensions = await _checked(f"{api}/3/device/{device.token}")
                answer = await connection.post(
                    target, content=apns.payload(out, acc), headers={**headers, **named}, extensions=extensions
                )
            except guard.ForbiddenTargetError as error:
                raise FaultError(Pause(f"The address of APNs isn't allowed: {error}.")) from None
            except OSError as error:
                raise FaultError(Retry(), f"Apple: {error}") from None
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
                raise FaultError(Retry(), f"Apple: {type(error).__name__}") from None
            except httpx2.HTTPError as error:
                # It may have rung. A push that comes twice replaces itself.
                raise FaultError(Unknown(), f"Apple: {type(error).__name__}") from None
            fault = apns.verdict(answer.status_code, answer.content)
            if fault is None:
                return
            if not isinstance(fault, TokenExpired):
                raise FaultError(fault, f"{answer.status_code}: {answer.text[:300]}")
            if is_last:
                raise FaultError(Retry(), "Apple takes a new token for an old one")
            await kit.forget_token("apns")

    async def _connection(self, *, verifies: bool) -> httpx2.AsyncClient:
        if verifies not in self._connections:
            # Reading the certificates takes its time.
            context: Any = await asyncio.to_thread(httpx2.create_ssl_context, verify=verifies, trust_env=False)
            fresh = httpx2.AsyncClient(
                http1=False,
                http2=True,
                verify=context,
                trust_env=False,
                timeout=TIMEOUT_S,
                limits=httpx2.Limits(max_connections=100, max_keepalive_connections=10, keepalive_expiry=3600),
            )
            if self._connections.setdefault(verifies, fresh) is not fresh:
                await fresh.aclose()
        return self._connections[verifies]


async def _checked(url: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """(an address with an IP address that may be called, headers and extensions that name its host). Raises
    ForbiddenTargetError, OSError.
    """
    target = guard.check_url(url, needs_https=False)
    host, port = target.raw_host or "", target.port or 443
    _, address = (await connect.addresses(host, port))[0]
    named = host if port == 443 else f"{host}:{port}"
    return str(target.with_host(str(address[0]))), {"host": named}, {"sni_hostname": host}


async def _fcm(device: Device, out: Out, acc: settings.Account, kit: Kit) -> None:
    project = fcm.service_account(acc).project_id
    url = f"{acc.fcm_api}/v1/projects/{project}/messages:send"
    await kit.call(url, json=fcm.message(out, acc, device.token), token="fcm")  # noqa: S106 - a token's name


async def _problem(kit: Kit, name: str) -> str:
    try:
        await kit.token(name)
    except FaultError as error:
        return error.fault.reason if isinstance(error.fault, Pause) else "The service doesn't answer."
    return ""


def _is_set_up(device: Device, acc: settings.Account) -> bool:
    """Whether the company rings devices of this kind at all."""
    return bool(acc.apns_key if device.service == "apns" else acc.fcm_service_account)


def _is_gone(device: Device, fault: Fault) -> bool:
    return isinstance(fault, Gone) and not (fault.since and device.at > fault.since)


def _rank(error: FaultError) -> int:
    """What stands for all: the account's illness, else a doubt, else what another try may mend, else a refusal."""
    match error.fault:
        case Pause():
            return 0
        case Unknown():
            return 1
        case Rejected():
            return 3
        case _:
            return 2
