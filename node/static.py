"""The console, the widget and the demo page, from the folder that the build made; compressed forms where
the browser takes them, a year for what has its hash in its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from anyio import Path as AsyncPath
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from backbone.errors import NotFoundError, UnavailableError, UnknownOutcomeError
from node import waiting_page
from node.rest.contract.requests import context_of

IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}

_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; frame-src 'self'; worker-src 'self'; font-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "require-trusted-types-for 'script'; trusted-types solid"
)

_SHOP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the demo shop, a site that shows the widget."""


def policy(frame_ancestors: str) -> dict[str, str]:
    """The headers of a page of ours that `frame_ancestors` may frame."""
    return {
        "Content-Security-Policy": f"{_PAGE}; frame-ancestors {frame_ancestors}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


async def desk(request: Request) -> Response:
    """`/`: the console."""
    return await _file(request, "desk/index.html", policy("'none'"))


async def hosted(request: Request) -> Response:
    """`/w/<inbox>`: the chat as a page of its own."""
    try:
        await context_of(request).inboxes.find(request.path_params["inbox"])
    except (UnavailableError, UnknownOutcomeError):
        return waiting_page.response(request)
    return await _file(request, "widget/index.html", policy("'none'"))


async def frame(request: Request) -> Response:
    """`/widget/<inbox>`: the chat in a frame of the sites that the inbox names."""
    try:
        _, inbox = await context_of(request).inboxes.find(request.path_params["inbox"])
    except (UnavailableError, UnknownOutcomeError):
        return waiting_page.response(request)
    ancestors = " ".join(["'self'", *(o for o in inbox.origins if _is_source(o))])
    headers = policy(ancestors)
    # A page of another origin opened this frame; isolating its group would only hide it from itself.
    del headers["Cross-Origin-Opener-Policy"]
    return await _file(request, "widget/index.html", headers)


async def loader(request: Request) -> Response:
    """`/w.js`: what a customer's page loads; any site may."""
    return await _file(
        request,
        "w.js",
        {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "cross-origin"},
    )


async def asset(request: Request) -> Response:
    """`/assets/...`: what has its hash in its name."""
    return await _file(
        request,
        f"assets/{request.path_params['path']}",
        {"X-Content-Type-Options": "nosniff"},
        IMMUTABLE,
    )


async def demo(request: Request) -> Response:
    """`/demo/...`: a shop's page that shows the widget; only where the node is told to."""
    headers = {"Content-Security-Policy": _SHOP, "X-Content-Type-Options": "nosniff"}
    return await _file(request, f"demo/{request.path_params['path'] or 'index.html'}", headers)


def _is_source(origin: str) -> bool:
    return origin == "*" or (origin.isascii() and not set(origin) & set(" ;,'\"\r\n\t"))


async def _file(request: Request, path: str, headers: dict[str, str], caching: str = REVALIDATE) -> Response:
    folder = context_of(request).settings.console_dir
    missing = NotFoundError("route.not_found", "There is nothing here.")
    if not folder:
        raise missing
    root = Path(folder)
    wanted = root / path
    # Decided on the text alone: nothing outside the folder is ever touched.
    if ".." in wanted.parts or wanted.suffix not in TYPES or not wanted.is_relative_to(root):
        raise missing
    accepted = request.headers.get("accept-encoding", "")
    for encoding, suffix in (("br", ".br"), ("gzip", ".gz")):
        packed = wanted.with_name(wanted.name + suffix)
        if encoding in accepted and await AsyncPath(packed).is_file():
            return _response(packed, wanted.suffix, headers, caching, encoding)
    if not await AsyncPath(wanted).is_file():
        raise missing
    return _response(wanted, wanted.suffix, headers, caching, "")


def _response(path: Path, suffix: str, headers: dict[str, str], caching: str, encoding: str) -> Response:
    sent = {**headers, "Cache-Control": caching, "Vary": "Accept-Encoding"}
    if encoding:
        sent["Content-Encoding"] = encoding
    # Naming the type spares a look into the system's table of types, which blocks.
    return FileResponse(path, headers=sent, media_type=TYPES[suffix])
