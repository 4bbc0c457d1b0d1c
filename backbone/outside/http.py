"""Calls over one pool of connections: to addresses that `guard` lets through alone, bounded in time and size, secrets
masked in what is logged.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import aiohttp
import msgspec

from backbone.channel import Answer, FaultError, Retry, Unknown, Upload
from backbone.outside import guard

CONNECTIONS: Final = 200

_SECRET = re.compile(
    r"(?i)((?:access_token|secret|appsecret|corpsecret|token|key|signature)=)[^&\s\"']+|(/bot)[0-9]+:[\w-]+"
)


class TooLongError(FaultError):
    """An answer has more than the `most_bytes` that were asked for."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(Retry(), f"the answer has over {most_bytes} bytes")
        self.most_bytes = most_bytes


class Caller:
    """One process's HTTP. `close` ends it. `kept_s`: a connection that nobody used for so long is closed."""

    def __init__(self, kept_s: float = 15) -> None:
        self._kept_s = kept_s
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        form: Mapping[str, str | Upload] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int,
        timeout_s: float,
        needs_https: bool = False,
        is_cut: bool = False,
    ) -> Answer:
        """One request. Raises FaultError: Retry where nothing reached the provider, Unknown where it may have; and
        ForbiddenTargetError where the address is none that may be called.

        `is_cut`: of a longer answer than `most_bytes` the beginning is enough; else it raises TooLongError.
        """
        target = guard.check_url(url, needs_https=needs_https)
        data, sent_headers = _payload(json, body, form, headers)
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS, resolver=guard.PublicResolver(), ttl_dns_cache=60, keepalive_timeout=self._kept_s
            )
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        if query:
            target = target.update_query(dict(query))
        limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(5.0, timeout_s))
        with _told(timeout_s):
            async with self._session.request(
                method, target, data=data, headers=sent_headers, allow_redirects=False, timeout=limits
            ) as answer:
                content = await answer.content.read(most_bytes + 1)
                while len(content) <= most_bytes and (more := await answer.content.read(most_bytes + 1 - len(content))):
                    content += more
                if len(content) > most_bytes:
                    # What is left unread must not be the beginning of the next answer.
                    answer.close()
                    if not is_cut:
                        raise TooLongError(most_bytes)
                return Answer(answer.status, content[:most_bytes], {k.lower(): v for k, v in answer.headers.items()})


@contextlib.contextmanager
def _told(timeout_s: float) -> Iterator[None]:
    """What aiohttp raises, as what it means for whoever called."""
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, guard.ForbiddenTargetError):
            raise error.os_error from None
        raise FaultError(Retry(), masked(f"can't be reached: {error.os_error}")) from None
    except aiohttp.ConnectionTimeoutError as error:
        raise FaultError(Retry(), masked(f"can't be reached: {error}")) from None
    except TimeoutError:
        raise FaultError(Unknown(), f"no answer within {timeout_s} s") from None
    except aiohttp.InvalidURL:
        raise FaultError(Retry(), "the address of the provider is wrong") from None
    except aiohttp.ClientError as error:
        raise FaultError(Unknown(), masked(f"the answer broke off: {type(error).__name__}: {error}")) from None


def masked(text: str) -> str:
    """A text without the secrets that addresses carry."""
    return _SECRET.sub(lambda m: f"{m[1] or m[2]}***", text)


def _payload(
    json: Any, body: bytes | None, form: Mapping[str, str | Upload] | None, headers: Mapping[str, str] | None
) -> tuple[Any, dict[str, str]]:
    if json is not None:
        return msgspec.json.encode(json), {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    if form is not None:
        return _form(form), dict(headers or {})
    return (io.BytesIO(body) if body else None), dict(headers or {})


def _form(form: Mapping[str, str | Upload]) -> aiohttp.FormData:
    # Names of files are shown to customers: as they are, not percent-encoded.
    data = aiohttp.FormData(quote_fields=False)
    for name, value in form.items():
        if isinstance(value, Upload):
            data.add_field(name, io.BytesIO(value.content), filename=value.name, content_type=value.mime)
        else:
            data.add_field(name, value)
    return data
