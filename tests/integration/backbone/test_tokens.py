"""A token that another one renews, when an account's settings change."""

from __future__ import annotations

from adapters.channels.kit.tokens import Tokens
from backbone.channel import Token
from backbone.nats.link import Link
from backbone.sealing import Sealer
from tests.integration.backbone.rooms import SECRET


async def test_changed_token_server_is_not_shown_what_renewed_the_token_elsewhere(link: Link) -> None:
    """A refresh token that the first server gave out stays with it, whatever else of the settings changes."""
    basis, place = "settings", "here"
    shown: list[str] = []
    tokens = Tokens(link, Sealer([SECRET]), "main", "mail", "me", lambda: basis, lambda: place)

    async def fetch(previous: Token | None) -> Token:
        shown.append(previous.more["refresh_token"] if previous else "")
        return Token(value=f"access-{len(shown)}", life_s=3600, more={"refresh_token": f"refresh-{len(shown)}"})

    assert await tokens.get("access", fetch) == "access-1"
    basis = "another name"
    assert await tokens.get("access", fetch) == "access-2"
    basis, place = "another server", "elsewhere"
    assert await tokens.get("access", fetch) == "access-3"
    assert shown == ["", "refresh-1", ""]
