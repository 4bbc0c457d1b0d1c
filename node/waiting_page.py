"""What stands in a chat's window while its inbox can't be looked up: a sentence, and a page that loads itself anew.

Any site may frame it, since which ones may isn't known now: it holds no script, no form and nothing of the inbox.
"""

from __future__ import annotations

import base64
import hashlib
import random
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

AGAIN_S: Final = (3, 8)
"""Between these, at random: the windows of a whole shop don't come back in one moment."""

_TEXTS: Final = {
    "en": ("Chat", "The chat can't be reached at the moment.", "It opens by itself as soon as it is back."),
    "zh-CN": ("聊天", "暂时无法连接聊天。", "恢复后会自动打开。"),
}
_STYLE: Final = (
    ":root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{margin:24px 16px}"
    "h1{font-size:18px;line-height:26px;margin:0 0 4px}p{margin:0}"
)
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE: Final = (
    '<!doctype html><html lang="{locale}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
    '<style>{style}</style></head><body role="status"><h1>{what}</h1><p>{then}</p></body></html>'
)


def response(request: Request) -> Response:
    """503, in the browser's language, tried again by the browser itself."""
    locale = _locale(request.headers.get("accept-language", ""))
    title, what, then = _TEXTS[locale]
    again_s = random.randint(*AGAIN_S)  # noqa: S311  # spreads load, guards nothing
    return Response(
        _PAGE.format(locale=locale, title=title, what=what, then=then, style=_STYLE),
        HTTPStatus.SERVICE_UNAVAILABLE,
        {
            "Refresh": str(again_s),
            "Retry-After": str(again_s),
            "Cache-Control": "no-store",
            "Vary": "Accept-Language",
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors *"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        },
        "text/html; charset=utf-8",
    )


def _locale(accepted: str) -> str:
    """The first language of `Accept-Language` that we speak; browsers send the preferred one first."""
    for tag in accepted[:256].casefold().split(","):
        language = tag.strip()[:2]
        if language == "zh":
            return "zh-CN"
        if language == "en":
            return "en"
    return "en"
