"""A system with a mailbox, behind a Postfix and a Dovecot, and customers with mail programs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.conformance.mail import programs
from tests.conformance.mail.programs import Nodemailer, Program
from tests.conformance.rig import LOOK_S, WITHIN_S, Account, Bench, running_bench
from tests.harness.postfix import HOST, SELECTOR, Postfix, running_postfix
from tests.simulators.email import ADDRESS, EmailSimulator

CUSTOMER: Final = "ann.li@elsewhere.example"
PARTNER: Final = "bo@elsewhere.example"


class Office(NamedTuple):
    """Our account, the server between, and the customer's program."""

    account: Account
    postfix: Postfix
    program: Program
    boxes: Path
    """The folder of all maildirs."""

    async def received(self, wanted: Callable[[EmailMessage], bool], by: str = CUSTOMER) -> Path:
        """The file of the first mail in somebody's mailbox that is wanted, once it is there."""
        deadline, box = time.monotonic() + WITHIN_S, self.boxes / by
        while True:
            mails = [*(box / "new").glob("*")] if box.exists() else []
            for mail in sorted(mails, key=lambda file: file.stat().st_mtime_ns):
                if wanted(programs.read(mail)):
                    return mail
            assert time.monotonic() < deadline, f"it never came\n{self.postfix.log()}"
            await asyncio.sleep(LOOK_S)


@pytest.fixture(scope="package")
def mail_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A system with two replicas of the channel email."""
    with running_bench(tmp_path_factory.mktemp("mail"), "email") as running:
        yield running


@pytest.fixture(params=programs.PROGRAMS, ids=lambda each: each.name)
async def office(request: pytest.FixtureRequest, mail_system: Bench, tmp_path: Path) -> AsyncIterator[Office]:
    """The account of one test, once for each program."""
    async with mail_system.account() as account:
        simulator = account.simulator
        assert isinstance(simulator, EmailSimulator)
        mail = simulator.dovecot.folder / "mail"
        owner = mail.stat()
        with contextlib.ExitStack() as stack:
            postfix = await asyncio.to_thread(
                stack.enter_context,
                running_postfix(
                    mail, (owner.st_uid, owner.st_gid), [ADDRESS, CUSTOMER, PARTNER], signs=ADDRESS.partition("@")[2]
                ),
            )
            await account.connect(smtp_port=postfix.submission, smtp_auth="none", authserv_id=HOST)
            program = await asyncio.to_thread(request.param, tmp_path, CUSTOMER, postfix.exchange)
            if isinstance(program, Nodemailer):
                program.sign_with(postfix.keys[CUSTOMER.partition("@")[2]], SELECTOR)
            yield Office(account, postfix, program, mail)
