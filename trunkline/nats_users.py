"""Users of NATS: the server's configuration made of the table of permissions, and each user's password.

One secret is kept, the operator's password. Every other one is derived from it and from the user's name, so that it
needn't be kept anywhere, and whoever has one can tell neither the secret nor another one. Standard library alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from importlib.metadata import entry_points
from typing import Final, NamedTuple

from backbone.nats import permissions
from backbone.nats.permissions import Access

CHANNELS: Final = "trunkline.channels"
"""Entry points of channels."""

ADAPTERS: Final = "trunkline.adapters"
"""Entry points of adapters: ours, and those of other packages."""

DOCTOR: Final = "trunkline-doctor"
"""Asks each server how it syncs (account $SYS), and may ask nothing else."""

METRICS: Final = "trunkline-metrics"
"""Reads what each server says of itself and of its streams (account $SYS), and may ask nothing else."""

ANSWER_WITHIN: Final = "1m"
_PURPOSE: Final = b"trunkline nats user "


class Credential(NamedTuple):
    """What a process signs in to NATS with."""

    user: str
    password: str

    @property
    def settings(self) -> dict[str, str]:
        """The same as settings."""
        return {"TRUNKLINE_NATS_USER": self.user, "TRUNKLINE_NATS_PASSWORD": self.password}


def credential(secret: str, process: str, others: tuple[str, ...] | None = None) -> Credential:
    """Of a process by the name that `trunkline` starts it by, such as `node` or `telegram`.

    `others`: as of `configuration`.
    """
    user = permissions.user_of(process, adapters() if others is None else others)
    return Credential(user, password(secret, user))


def password(secret: str, user: str) -> str:
    """The password of a user: the secret itself is the operator's."""
    if user in {permissions.OPERATOR, DOCTOR}:
        return secret
    digest = hmac.digest(secret.encode(), _PURPOSE + user.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def channels() -> tuple[str, ...]:
    """Names of all channels that are installed now."""
    return tuple(sorted({point.name for point in entry_points(group=CHANNELS)} - {*permissions.PROCESSES}))


def adapters() -> tuple[str, ...]:
    """Names of the adapters of other packages that are installed now. One called as a channel or a part of ours isn't
    among them.
    """
    installed = {point.name for point in entry_points(group=ADAPTERS)}
    return tuple(sorted(installed - {*permissions.PROCESSES, *channels()}))


def configuration(secret: str, names: tuple[str, ...], others: tuple[str, ...] | None = None) -> str:
    """The blocks `authorization` and `accounts` of nats-server, for channels of these names.

    `others`: names of other packages' adapters; all that are installed unless given.
    """
    table = permissions.users(names, adapters() if others is None else others)
    users = [_user(user, password(secret, user), access) for user, access in table.items()]
    # Alone in its account: nobody else is answered there.
    doctor = Access(("$SYS.REQ.SERVER.PING.JSZ",), tuple(f"{root}.>" for root in permissions.INBOXES))
    metrics = Access(
        ("$SYS.REQ.SERVER.PING.JSZ", "$SYS.REQ.SERVER.PING.VARZ"),
        tuple(f"{root}.{permissions.own(METRICS)}.>" for root in permissions.INBOXES),
    )
    return "\n".join(
        [
            "# Made by `trunkline nats users`: don't edit, make it again. It holds passwords.",
            "authorization {",
            "  users: [",
            f"    {{ user: {_text(permissions.OPERATOR)}, password: {_text(secret)} }}",
            *users,
            "  ]",
            "}",
            "accounts {",
            "  $SYS {",
            "    users: [",
            _user(DOCTOR, secret, doctor),
            _user(METRICS, password(secret, METRICS), metrics),
            "    ]",
            "  }",
            "}",
            "",
        ]
    )


def _user(user: str, secret: str, access: Access) -> str:
    publish = f"{{ allow: {_list(access.publish)}, deny: {_list(access.not_publish)} }}"
    subscribe = f"{{ allow: {_list(access.subscribe)} }}"
    answers = f', allow_responses: {{ max: 1, expires: "{ANSWER_WITHIN}" }}' if access.answers else ""
    allowed = f"{{ publish: {publish}, subscribe: {subscribe}{answers} }}"
    return f"    {{ user: {_text(user)}, password: {_text(secret)}, permissions: {allowed} }}"


def _list(subjects: tuple[str, ...]) -> str:
    return f"[{', '.join(_text(subject) for subject in subjects)}]"


def _text(text: str) -> str:
    return json.dumps(text)
