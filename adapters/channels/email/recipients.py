"""Whom an answer goes to: the customer, and in copy the others whom the last mail of the thread names. Pure.

`console/desk/channels/mail.ts` shows the same above the composer; both read `tests/cases/recipients.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from adapters.channels.email.headers import Address
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Out, Rejected

MOST_COPIES: Final = 20
"""A mail with more in To and Cc went to a crowd; whoever is beyond gets no copy."""

MOST_ADDRESS_CHARS: Final = 254


def context(sender: Address, wished: str, listed: Iterable[Address], acc: Account, dmarc: str) -> dict[str, str]:
    """What an answer must know of a mail: `from`, who wrote it; `to`, where answers to them go instead, empty if
    nowhere else; `cc`, all who are in it; `dmarc`, the result. A forged one names nobody.

    `wished`, the mail's Reply-To, is `to` only where DMARC proves the sender; else it is `reply_to`, for an agent to
    choose. Each stands there also where it is empty: what an earlier mail said holds no longer.
    """
    others = dict.fromkeys(
        each.address for each in listed if len(each.address) <= MOST_ADDRESS_CHARS and not acc.is_own(each.address)
    )
    others.pop(sender.address, None)
    to = wished if dmarc == "pass" else ""
    named = [] if dmarc == "fail" else [to or sender.address, *others][: MOST_COPIES + 1]
    return {
        "from": sender.address,
        "to": to,
        "cc": " ".join(named),
        "reply_to": "" if to else wished,
        "dmarc": dmarc,
    }


def of(out: Out, acc: Account) -> list[str]:
    """Addresses, the customer's first. What no person wrote goes to nobody else. Raises FaultError(Rejected) where an
    agent chose a Reply-To that isn't the last mail's.
    """
    customer, said = out.peer.id, out.context
    # Another one of the thread may say where their own copy goes, not where the customer's mail goes.
    is_theirs = said.get("from", customer) == customer
    doubtful = doubtful_of(said)
    if out.answer_to and not (is_theirs and out.answer_to == doubtful):
        raise FaultError(
            Rejected("The customer wants answers elsewhere by now: look at the recipients, and send again.")
        )
    to = out.answer_to or (is_theirs and not doubtful and said.get("to")) or customer
    named = [] if out.automatic else dict.fromkeys(said.get("cc", "").split())
    others = [each for each in named if each not in {to, customer, doubtful} and not acc.is_own(each)]
    return [to, *others[:MOST_COPIES]]


def doubtful_of(said: Mapping[str, str]) -> str:
    """The Reply-To of the last mail whose sender nobody proved, empty if it has none. Mails that were stored before the
    result of DMARC was kept count as unproven.
    """
    return said.get("reply_to", "") or ("" if said.get("dmarc") == "pass" else said.get("to", ""))
