"""How the mail servers' certificates are checked."""

from __future__ import annotations

import asyncio
import ssl

from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Pause


async def context(acc: Account) -> ssl.SSLContext:
    """By the system's authorities, or by the account's own one alone. Raises FaultError(Pause) if that is none."""
    try:
        # It reads files.
        return await asyncio.to_thread(ssl.create_default_context, cadata=acc.ca or None)
    except (ssl.SSLError, ValueError) as wrong:
        raise FaultError(Pause("The certificate authority of the account can't be read."), str(wrong)) from wrong


def is_distrust(failed: BaseException) -> bool:
    """Whether a connection failed since the server's certificate isn't trusted."""
    causes = (failed, failed.__cause__, failed.__context__)
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in causes)
