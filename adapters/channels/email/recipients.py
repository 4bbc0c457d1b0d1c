"""Whom an answer goes to: the customer, and in copy the others whom the last mail of the thread names. Pure.

`console/desk/channels/mail.ts` shows the same above the composer; both read `tests/cases/recipients.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from adapters.channels.email.headers import Address
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Out, Rejected

MOST_COPIES: Final = 20
"""A mail with more in To and Cc went to a crowd; whoever is beyond gets no copy."""

MOST_ADDRESS_CHARS: Final = 254

NAMES: Final = {
    "dmarc": "fail where the sender's domain disowns the mail",
    "cc": "who else is in To and Cc",
    "reply_to": "where answers are wished",
}
"""What a message's data says of whom its mail names."""


def context(
    sender: Address, wished: Sequence[Address], listed: Iterable[Address], acc: Account, dmarc: str
) -> dict[str, str]:
    """What an answer must know of a mail: `from`, who wrote it; `to`, where answers to them go instead, empty if
    nowhere else; `cc`, all who are in it; `dmarc`, the result; `written`, those of them with capitals as they were
    written, which a server may tell apart (RFC 5321, 2.4). A forged one names nobody.

    `wished`, the mail's Reply-To, is `to` only where DMARC proves the sender, and whoever else it names gets a copy;
    else its first is `reply_to`, for an agent to choose, and `also` are the others, who get a copy then. Each stands
    there also where it is empty: what an earlier mail said holds no longer.
    """
    listed = [each for each in listed if len(each.address) <= MOST_ADDRESS_CHARS]
    others = dict.fromkeys(each.address for each in listed if not acc.is_own(each.address))
    others.pop(sender.address, None)
    first = wished[0].address if wished else ""
    also = list(filter(_is_word, (each.address for each in wished[1 : MOST_COPIES + 1])))
    to = first if dmarc == "pass" else ""
    named = list(dict.fromkeys([to or sender.address, *(also if to else ()), *others])) if dmarc != "fail" else []
    named = list(filter(_is_word, named))[: MOST_COPIES + 1]
    written = dict.fromkeys(each.written for each in (sender, *wished, *listed) if each.written)
    known = {sender.address, first, *also, *named}
    return {
        "from": sender.address,
        "to": to,
        "cc": " ".join(named),
        "reply_to": "" if to else first,
        "also": "" if to else " ".join(also),
        "dmarc": dmarc,
        "written": " ".join(each for each in written if each.lower() in known and _is_word(each)),
    }


def _is_word(address: str) -> bool:
    """Whether it can stand in a list of words: one with a space in quotes can't."""
    return not any(map(str.isspace, address))


def as_written(address: str, said: Mapping[str, str]) -> str:
    """An address with the capitals that it was written in last."""
    return next((each for each in said.get("written", "").split() if each.lower() == address), address)


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
    also = said.get("also", "").split() if out.answer_to else []
    chosen = said.get("cc", "").split() if out.cc is None else map(str.lower, out.cc)
    named = [] if out.automatic else dict.fromkeys([*also, *chosen])
    others = [each for each in named if each not in {to, customer, doubtful} and not acc.is_own(each)]
    return [to, *others[:MOST_COPIES]]


def doubtful_of(said: Mapping[str, str]) -> str:
    """The Reply-To of the last mail whose sender nobody proved, empty if it has none. Mails that were stored before the
    result of DMARC was kept count as unproven.
    """
    return said.get("reply_to", "") or ("" if said.get("dmarc") == "pass" else said.get("to", ""))
