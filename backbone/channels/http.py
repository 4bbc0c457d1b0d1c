"""Calls to providers over one pool of connections: bounded in time and size, secrets masked in what is logged."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import msgspec
from yarl import URL

from backbone.channel import Answer, FaultError, Retry, Unknown, Upload

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
    """One process's HTTP. `close` ends it."""

    def __init__(self) -> None:
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
    ) -> Answer:
        """One request. Raises FaultError: Retry where nothing reached the provider, Unknown where it may have."""
        data, sent_headers = _payload(json, body, form, headers)
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=60), cookie_jar=aiohttp.DummyCookieJar()
            )
        target = URL(url)
        if query:
            target = target.update_query(dict(query))
        try:
            async with self._session.request(
                method,
                target,
                data=data,
                headers=sent_headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(5.0, timeout_s)),
            ) as answer:
                content = await answer.content.read(most_bytes + 1)
                while len(content) <= most_bytes and (more := await answer.content.read(most_bytes + 1 - len(content))):
                    content += more
                if len(content) > most_bytes:
                    answer.close()
                    raise TooLongError(most_bytes)
                return Answer(answer.status, content, {k.lower(): v for k, v in answer.headers.items()})
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
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
