"""Who is asking: visitors by their tokens, agents by their sessions' cookies."""

from __future__ import annotations

import time

from backbone.access import Who
from backbone.errors import NotAuthenticatedError
from backbone.signing import Signer, VisitorToken
from node.context import Context
from node.settings import NodeSettings


async def claims_of(context: Context, token: str) -> VisitorToken:
    """What a visitor's token says, if it still counts.

    Raises NotAuthenticatedError `token.invalid`, `token.expired`, `token.ended`.
    """
    claims = context.signer.visitor(token)
    life_s = life_of(context.settings, claims.user)
    ends = await context.sessions.tokens_end(claims.tenant, claims.contact)
    if claims.issued_ms <= ends:
        raise NotAuthenticatedError("token.ended", "The token was ended; ask for a new one.", field="token")
    if claims.began_ms // 1000 + life_s < time.time():
        raise NotAuthenticatedError("token.expired", "The token has expired; ask for a new one.", field="token")
    return claims


async def visitor(context: Context, claims: VisitorToken) -> Who:
    """Whom a visitor's token names. Raises NotAuthenticatedError, NotFoundError `inbox.not_found`."""
    tenant, _inbox = await context.inboxes.find(claims.inbox)
    if tenant != claims.tenant:
        raise NotAuthenticatedError("token.invalid", "The token isn't one of ours.", field="token")
    return Who(
        kind="visitor",
        tenant=tenant,
        id=claims.contact,
        name=claims.name,
        inbox=claims.inbox,
        user=claims.user,
        until=claims.exp,
        issued_ms=claims.issued_ms,
    )


def renewed(signer: Signer, settings: NodeSettings, claims: VisitorToken) -> str:
    """A fresh token for the same visitor, whose life goes on from its first one."""
    return signer.visitor_token(
        claims.tenant,
        claims.inbox,
        claims.contact,
        claims.user,
        claims.name,
        first_ms=claims.began_ms,
        life_s=life_of(settings, claims.user),
    )


def life_of(settings: NodeSettings, user: str) -> int:
    """How long, in seconds, a visitor's token may renew itself: a user of the company's proves anew who they are."""
    return settings.user_life_s if user else settings.visitor_life_s
