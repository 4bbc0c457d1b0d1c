"""Whom an answer goes to: the customer, and in copy the others whom the last mail of the thread names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from adapters.channels.email.headers import Address
from adapters.channels.email.settings import Account
from backbone.channel import Out

MOST_COPIES: Final = 20
"""A mail with more in To and Cc went to a crowd; whoever is beyond gets no copy."""

MOST_ADDRESS_CHARS: Final = 254


def context(
    sender: Address, wished: str, listed: Iterable[Address], acc: Account, *, is_forged: bool
) -> dict[str, str]:
    """What an answer must know of a mail: `from`, who wrote it; `to`, where answers to them go instead, empty if
    nowhere else; `cc`, all who are in it. A forged one names nobody.

    Each stands there also where it is empty: what an earlier mail said holds no longer.
    """
    others = dict.fromkeys(
        each.address for each in listed if len(each.address) <= MOST_ADDRESS_CHARS and not acc.is_own(each.address)
    )
    others.pop(sender.address, None)
    named = [] if is_forged else [wished or sender.address, *others][: MOST_COPIES + 1]
    return {"from": sender.address, "to": wished, "cc": " ".join(named)}


def of(out: Out, acc: Account) -> list[str]:
    """Addresses, the customer's first. What no person wrote goes to nobody else."""
    customer = out.peer.id
    # Another one of the thread may say where their own copy goes, not where the customer's mail goes.
    is_theirs = out.context.get("from", customer) == customer
    to = (is_theirs and out.context.get("to")) or customer
    named = [] if out.automatic else dict.fromkeys(out.context.get("cc", "").split())
    return [to, *[each for each in named if each not in {to, customer} and not acc.is_own(each)][:MOST_COPIES]]
