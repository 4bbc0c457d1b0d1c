"""`/api/openapi.json` and `/api/docs`: the API's description, for programs and for people.

The page holds no script and asks no other host; its style is allowed by its hash.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Any, Final

import msgspec
from starlette.responses import Response

from node.rest.contract.api import Ask, Media, Route, route
from node.rest.contract.openapi import document

STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #0a6b62 }
@media (prefers-color-scheme: dark) { :root { --accent: #5fc9bd } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem 1rem 6rem }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
h2 { margin-top: 3rem } h3 { border-top: 1px solid var(--line); padding-top: 1rem; scroll-margin-top: .5rem }
h3 b { color: var(--accent); display: inline-block; min-width: 4.5rem }
a { color: var(--accent) } nav { columns: 3 14rem } nav a { display: block }
table { border-collapse: collapse; width: 100% }
td { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0 }
tr + tr { border-top: 1px solid var(--soft) } :target { background: var(--soft) }
"""
_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def routes_about(routes: Sequence[Route]) -> tuple[Route, ...]:
    """The two routes that describe `routes`, and themselves."""

    @functools.cache
    def described() -> dict[str, Any]:
        return document((*routes, *own))

    @functools.cache
    def as_json() -> bytes:
        return msgspec.json.encode(described())

    @functools.cache
    def as_page() -> str:
        return page(described())

    @route("GET", "/api/openapi.json", base="", may="public", answers={200: Media("application/json")})
    async def openapi(ask: Ask) -> Response:  # noqa: ARG001 - it is the same for everybody
        """This description, as OpenAPI 3.1."""
        return Response(as_json(), 200, {"Cache-Control": "no-cache"}, media_type="application/json")

    @route("GET", "/api/docs", base="", may="public", answers={200: Media("text/html")})
    async def docs(ask: Ask) -> Response:  # noqa: ARG001 - it is the same for everybody
        """This description, as a page."""
        return Response(as_page(), 200, HEADERS, media_type="text/html; charset=utf-8")

    own = (openapi, docs)
    return own


def page(described: dict[str, Any]) -> str:
    """The document as HTML. The text of a problem's `type` leads to `#<code>`."""
    operations = [
        (method.upper(), path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    operations.sort(key=lambda one: (one[2]["tags"][0], one[1], one[0]))
    listed = "".join(
        f'<a href="#{operation["operationId"]}"><code>{method} {escape(path)}</code></a>'
        for method, path, operation in operations
    )
    schemas = described["components"]["schemas"]
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width"><title>Trunkline: REST API</title>',
        f"<style>{STYLE}</style><h1>REST API</h1>",
        '<p>For programs: <a href="/api/openapi.json">openapi.json</a>. Refusals are problem details (RFC 9457) ',
        f"with a stable <code>code</code>.</p><nav>{listed}</nav><h2>Routes</h2>",
        *(_operation(method, path, operation) for method, path, operation in operations),
        "<h2>Shapes</h2>",
        *(_shape(name, schema) for name, schema in schemas.items()),
        f"<h2>Refusals</h2><table>{_codes(operations)}</table></html>",
    ]
    return "".join(parts)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = [
        (f"{each['in']} <code>{escape(each['name'])}</code>", f"{_type(each['schema'])} {escape(each['description'])}")
        for each in operation.get("parameters", ())
    ]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        rows.append(("body", f"<code>{escape(kind)}</code> {_type(content['schema'])}"))
    for status, answer in operation["responses"].items():
        shown = [_type(content["schema"]) for content in answer.get("content", {}).values()]
        is_refusal = int(status) >= 400
        rows.append((f"<code>{status}</code>", _ticked(answer["description"]) if is_refusal else " ".join(shown)))
    table = "".join(f"<tr><td>{name}<td>{text}" for name, text in rows)
    head = f'<h3 id="{operation["operationId"]}"><b>{method}</b> <code>{escape(path)}</code></h3>'
    return f"{head}<p>{_ticked(operation['description'])}</p><table>{table}</table>"


def _shape(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = "".join(
        f"<tr><td><code>{escape(key)}</code>{'' if key in required else ' ?'}<td>{_type(each)}"
        for key, each in schema.get("properties", {}).items()
    )
    text = escape(schema.get("description", ""))
    body = f"<table>{rows}</table>" if rows else f"<p>{_type(schema)}</p>"
    return f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3><p>{text}</p>{body}'


def _type(schema: Any) -> str:
    """A schema in few words, other shapes as links."""
    if not isinstance(schema, dict):
        return "any"
    if ref := schema.get("$ref"):
        name = escape(ref.rpartition("/")[2])
        return f'<a href="#{name}"><code>{name}</code></a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(_type(each) for each in schema[several])
    if "enum" in schema:
        return "<code>" + escape(" | ".join(str(each) for each in schema["enum"])) + "</code>"
    return _container(schema) or f"<code>{escape(str(schema.get('type', 'any')))}</code>"


def _container(schema: dict[str, Any]) -> str:
    """A list or a map; empty for anything else."""
    if schema.get("type") == "array":
        inside = [_type(each) for each in schema.get("prefixItems", ())] or [_type(schema.get("items", {}))]
        return f"[{', '.join(inside)}{'' if 'prefixItems' in schema else ' ...'}]"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{{... {_type(schema['additionalProperties'])}}}"
    return ""


def _codes(operations: list[tuple[str, str, dict[str, Any]]]) -> str:
    """Every code with its statuses and the routes that it may come from."""
    found: dict[str, dict[str, None]] = {}
    for method, path, operation in operations:
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                for code in answer["description"].replace("`", "").split(", "):
                    found.setdefault(code, {})[f"{status} {method} {path}"] = None
    return "".join(
        f'<tr id="{escape(code)}"><td><code>{escape(code)}</code><td>'
        + "<br>".join(f"<code>{escape(one)}</code>" for one in list(places)[:8])
        + (f"<br>and {len(places) - 8} more" if len(places) > 8 else "")
        for code, places in sorted(found.items())
    )


def _ticked(text: str) -> str:
    """Text with `code` in it."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if n % 2 else piece for n, piece in enumerate(pieces))
