"""The form of an account: fields drawn from the JSON schema of a channel's `Account`, and what is wrong with values
entered into them. Pure; the node asks here, so that it needs no channel's code. Whatever a schema says beyond this
the channel itself finds when it reads the settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

FieldKind = Literal["text", "flag", "whole", "number", "choice", "list"]

TEXT_MOST: Final = 65_536
LIST_MOST: Final = 100

_KINDS: Final[dict[str, FieldKind]] = {"boolean": "flag", "integer": "whole", "number": "number", "array": "list"}


class Field(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One field of a form. `least` and `most` bound the length of a text and the value of a number; with `is_open`
    the value itself is outside. `long`: of several lines. `address`: where the account leads, or how it is proven that
    it leads there. `goes_to`: the addresses that a secret, or what is made of it, is sent to; None: all of the form's.
    """

    key: str
    title: str
    help: str = ""
    kind: FieldKind = "text"
    secret: bool = False
    required: bool = False
    long: bool = False
    default: Any = None
    choices: list[str] = []
    pattern: str = ""
    least: float | None = None
    most: float | None = None
    is_open: bool = False
    address: bool = False
    goes_to: list[str] | None = None


class Wrong(NamedTuple):
    """What is wrong with a field: a stable code, and a sentence in English."""

    field: str
    code: str
    text: str


def fields(schema: Mapping[str, Any]) -> list[Field]:
    """The fields of an object's schema as msgspec writes it, in the order of the Struct."""
    whole = _resolved(schema, schema)
    required = set(whole.get("required", ()))
    return [
        _field(key, _resolved(each, schema), is_required=key in required)
        for key, each in whole.get("properties", {}).items()
    ]


def problem(form: Sequence[Field], values: Mapping[str, Any]) -> Wrong | None:
    """The first thing that is wrong with the values, None if nothing is."""
    known = {field.key for field in form}
    for key in values:
        if key not in known:
            return Wrong(key[:64], "field.unknown", "The channel has no such field.")
    return next((wrong for field in form if (wrong := _wrong(field, values.get(field.key)))), None)


def shown(form: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that may be shown: those of secrets aren't."""
    return {field.key: values[field.key] for field in form if not field.secret and field.key in values}


def kept_secrets(form: Sequence[Field], values: Mapping[str, Any]) -> list[str]:
    """Names of secrets that are set."""
    return [field.key for field in form if field.secret and values.get(field.key)]


def merged(form: Sequence[Field], before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values to keep: those given, and of secrets that weren't given the ones before. An emptied secret is emptied."""
    secrets = {f.key: before[f.key] for f in form if f.secret and f.key in before and f.key not in given}
    return {**given, **secrets}


def moved(form: Sequence[Field], before: Mapping[str, Any], given: Mapping[str, Any]) -> Wrong | None:
    """A secret that would be kept though an address that it is sent to changes; None if there is none.

    Whoever can't read a secret could have it sent to themselves otherwise.
    """
    changed = {
        field.key: field
        for field in form
        if field.address and before.get(field.key, field.default) != given.get(field.key, field.default)
    }
    for field in form:
        if not field.secret or field.key in given or not before.get(field.key):
            continue
        to = next((each for key, each in changed.items() if field.goes_to is None or key in field.goes_to), None)
        if to is not None:
            text = f"Enter {field.title} again: it would be sent elsewhere, since {to.title} changes."
            return Wrong(field.key, "field.again", text)
    return None


def place(form: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """The addresses of an account."""
    return {field.key: values.get(field.key, field.default) for field in form if field.address}


def _field(key: str, of: Mapping[str, Any], *, is_required: bool) -> Field:
    kind: FieldKind = "choice" if "enum" in of else _KINDS.get(str(of.get("type", "")), "text")
    is_open = "exclusiveMinimum" in of
    least = of.get("minLength", of.get("minimum", of.get("exclusiveMinimum")))
    most = of.get("maxLength", of.get("maximum", of.get("exclusiveMaximum")))
    return Field(
        key=key,
        title=str(of.get("title", key)),
        help=str(of.get("description", "")),
        kind=kind,
        secret=bool(of.get("secret")),
        required=is_required,
        long=bool(of.get("multiline")),
        default=list(default) if isinstance(default := of.get("default"), tuple) else default,
        choices=[str(each) for each in of.get("enum", ())],
        pattern=str(of.get("pattern", "")),
        least=least,
        most=most,
        is_open=is_open,
        address=bool(of.get("address")) or str(of.get("pattern", "")).startswith("^http"),
        goes_to=[str(each) for each in of["goes_to"]] if "goes_to" in of else None,
    )


def _resolved(of: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema behind its reference, or the first of several that isn't null."""
    while True:
        if "$ref" in of:
            of = {**schema.get("$defs", {}).get(str(of["$ref"]).rpartition("/")[2], {}), **_without(of, "$ref")}
        elif "anyOf" in of:
            first: Mapping[str, Any] = next((each for each in of["anyOf"] if each.get("type") != "null"), {})
            of = {**first, **_without(of, "anyOf")}
        else:
            return of


def _without(of: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in of.items() if name != key}


def _wrong(field: Field, value: Any) -> Wrong | None:
    if value is None or (field.required and value == ""):
        missing = Wrong(field.key, "field.required", f"{field.title} is needed.")
        return missing if field.required else None
    wrong_form = Wrong(field.key, "field.form", f"{field.title} hasn't the form it must have.")
    if not _fits(field, value):
        return wrong_form
    if field.kind == "choice" and value not in field.choices:
        return Wrong(field.key, "field.choice", f"{field.title} must be one of {', '.join(field.choices)}.")
    if field.kind == "text" and field.pattern and not re.search(field.pattern, value):
        return wrong_form
    size = len(value) if field.kind in {"text", "list"} else value
    if field.kind in {"text", "whole", "number"} and not _is_within(field, size):
        return Wrong(field.key, "field.range", f"{field.title} is too long, too short, or out of its range.")
    return None


def _fits(field: Field, value: Any) -> bool:
    """Whether a value is of the field's kind."""
    match field.kind:
        case "flag":
            return isinstance(value, bool)
        case "whole":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "list":
            return isinstance(value, list) and len(value) <= LIST_MOST and all(_is_text(each) for each in value)
        case _:
            return _is_text(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_MOST and "\0" not in value


def _is_within(field: Field, size: float) -> bool:
    if field.least is not None and (size <= field.least if field.is_open else size < field.least):
        return False
    return field.most is None or size <= field.most
