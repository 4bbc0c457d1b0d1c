"""What an admin enters to connect a system of the company's own."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

SECRET: Final = r"whsec_[A-Za-z0-9+/]{32,86}={0,2}"  # noqa: S105 - the form of one


class Account(Struct, frozen=True, kw_only=True):
    """One system that writes to us and that we write to."""

    secret: Annotated[
        str,
        Meta(
            title="Secret",
            description="Signs both ways, as Standard Webhooks has it: whsec_ and the base64 of 24 to 64 random bytes.",
            pattern=f"^{SECRET}$",
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ]
    previous_secret: Annotated[
        str,
        Meta(
            title="Previous secret",
            description="While you change the secret: the one before. Either is taken, and we sign by both. "
            "Empty it a day later.",
            pattern=f"^({SECRET})?$",
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ] = ""
    url: Annotated[
        str,
        Meta(
            title="Address for our messages",
            description="Where what agents write is posted to: https, reachable from the internet, without redirects.",
            pattern=r"^https?://.+$",
        ),
    ]
