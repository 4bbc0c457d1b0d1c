"""Strangers at the sign-in of a running node: what they may try, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backbone import directory
from tests.harness.apart import run_apart
from tests.harness.system import EMMA, LIN, PASSWORD, TENANT, System, running_system
from trunkline import rest
from trunkline.connect import connected

MEMORY_MOST_MIB = 200
"""Two of argon2's 64 MiB, and some for a hundred requests; without a bound it was 384."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A node of its own: what is guessed here counts for a minute."""
    with running_system(tmp_path_factory.mktemp("guessing"), agents=(LIN, EMMA)) as running:
        yield running


def sign_in(system: System, email: str, password: str, address: str) -> rest.Answer:
    return rest.call(
        "POST",
        f"{system.nodes[0].http}/api/v1/session",
        {"email": email, "password": password},
        headers={"X-Forwarded-For": address},
        timeout_s=60,
    )


def guess(system: System, email: str, addresses: list[str]) -> Counter[int]:
    """One wrong password from each address, all at once; the answers' statuses."""
    with ThreadPoolExecutor(len(addresses)) as crowd:
        return Counter(crowd.map(lambda one: sign_in(system, email, "a wrong password", one).status, addresses))


def of_memory(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(name))


def test_a_hundred_guesses_at_once_are_ten(guarded: System) -> None:
    answers = guess(guarded, EMMA.email, ["203.0.113.1"] * 100)
    assert answers[401] <= 12
    assert answers[429] == 100 - answers[401]
    # A stranger's guesses don't lock the owner out, who is somewhere else.
    assert sign_in(guarded, EMMA.email, PASSWORD, "198.51.100.1").status == 200


def test_an_ipv6_site_is_one_address_however_many_it_has(guarded: System) -> None:
    answers = guess(guarded, "nobody@example.com", [f"2001:db8:7:7::{n:x}" for n in range(1, 61)])
    assert answers[401] <= 12


def test_a_hundred_sign_ins_at_once_take_the_memory_of_two(guarded: System) -> None:
    pid = guarded.nodes[0].pid
    sign_in(guarded, LIN.email, PASSWORD, "198.51.100.2")
    before = of_memory(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")

    def one(number: int) -> rest.Answer:
        return sign_in(guarded, f"nobody{number}@example.com", PASSWORD, f"192.0.2.{number}")

    with ThreadPoolExecutor(110) as crowd:
        answers = list(crowd.map(one, range(110)))
    assert of_memory(pid, "VmHWM") - before < MEMORY_MOST_MIB
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert {answer.status for answer in answers} == {401, 429}
    assert {answer.body["code"] for answer in refused} == {"session.busy"}
    assert all(answer.body["retry_after_ms"] > 0 for answer in refused)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"name": "  "}, "agent.name_missing"),
        ({"name": "x" * 81}, "agent.name_long"),
        ({"email": "nowhere"}, "agent.email_invalid"),
        ({"email": LIN.email}, "agent.email_taken"),
        ({"password": "short"}, "agent.password_weak"),
    ],
)
def test_a_refused_form_does_not_burn_an_invitation(guarded: System, form: dict[str, str], code: str) -> None:
    async def invite() -> str:
        async with connected(guarded.common, "test") as link:
            return await directory.invite(link, TENANT, "agent")

    url = f"{guarded.nodes[0].http}/api/v1/invitations/accept"
    right = {"token": run_apart(invite()), "name": "Ada", "email": f"ada-{code}@example.com", "password": PASSWORD}
    assert rest.call("POST", url, {**right, **form}).body["code"] == code
    assert rest.call("POST", url, right, timeout_s=60).status == 200
