"""Users of an app at a node: proved by the company, the same person everywhere, rung only where nobody looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from adapters.channels.app.identity import user_hash
from backbone.ids import key_hash
from tests.conformance.rig import Account, Bench, running_bench
from tests.harness.system import LIN
from tests.simulators.app import AppSimulator
from tests.simulators.app.phone import Company, Phone, device
from trunkline import rest
from trunkline.client import Client, RefusedError

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

OUT = ("accepted", "sent")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A node, and two replicas of the app's channel."""
    with running_bench(tmp_path_factory.mktemp("app"), "app") as running:
        yield running


def simulator_of(account: Account) -> AppSimulator:
    assert isinstance(account.simulator, AppSimulator)
    return account.simulator


async def asked(account: Account, **body: Any) -> rest.Answer:
    """A sign-in."""
    url = f"{account.bench.system.nodes[0].http}/api/v1/visitors"
    return await asyncio.to_thread(rest.call, "POST", url, {"inbox": account.inbox, **body})


def company(account: Account) -> Company:
    settings = account.simulator.account()
    return Company(settings["tenant"], settings["secret"])


def signed(account: Account, **claims: Any) -> str:
    now = int(time.time())
    whole = {"sub": "li", "iat": now, "exp": now + 900, "tenant": company(account).name, **claims}
    return jwt.encode({"alg": "HS256"}, whole, OctKey.import_key(company(account).secret), ["HS256"])


async def test_a_user_is_the_same_person_on_every_device_and_others_are_not(bench: Bench) -> None:
    async with bench.account() as account:
        first, second, other = [await asked(account, identity=company(account).token(u)) for u in ("li", "li", "wang")]
        assert first.body["contact"] == second.body["contact"] != other.body["contact"]
        stays = await asked(account, token=first.body["token"])
        assert stays.body["contact"] == first.body["contact"]
        async with Client([f"{bench.system.nodes[0].ws}"], token=stays.body["token"]).running() as client:
            assert client.welcome["me"]["name"] == "Li"


async def test_who_cannot_prove_it_is_nobody(bench: Bench) -> None:
    async with bench.account() as account, bench.account() as another:
        now = int(time.time())
        foreign = Company("tea", "another secret of another company").token("li")
        ended = signed(account, iat=now - 1000, exp=now - 1)
        refused = [await asked(account, identity=token) for token in (foreign, "x.y.z", ended)]
        assert [(r.status, r.body["code"]) for r in refused] == [
            (401, "token.invalid"),
            (401, "token.invalid"),
            (401, "token.expired"),
        ]
        by_hash = {"user": "li", "user_hash": user_hash("li", "a secret of user hashes")}
        assert (await asked(account, **by_hash)).body["code"] == "token.invalid"
        await another.connect(allows_user_hash=True, user_hash_secret="a secret of user hashes")
        assert (await asked(another, **by_hash)).status == 200
        assert (await asked(another, **{**by_hash, "user": "wang"})).body["code"] == "token.invalid"
        web = await asyncio.to_thread(
            rest.call,
            "POST",
            f"{bench.system.nodes[0].http}/api/v1/visitors",
            {"inbox": "web", "identity": signed(account)},
        )
        assert (web.status, web.body["code"], web.body["field"]) == (422, "inbox.no_users", "inbox")


async def test_what_somebody_began_before_signing_in_is_theirs_and_nobody_elses(bench: Bench) -> None:
    async with bench.account() as account:
        before = (await asked(account)).body
        told: list[dict[str, Any]] = []
        nobody = Client([bench.system.nodes[0].ws], token=before["token"], pushed=told.append)
        async with nobody.running():
            began = await nobody.send("where is my order?")
            await nobody.subscribe(began["conv"])
            user = (await asked(account, identity=signed(account), token=before["token"])).body
            assert user["contact"] != before["contact"]
            async with Client([bench.system.nodes[0].ws], token=user["token"]).running() as li:
                assert li.welcome["open"] == began["conv"]
                assert [e.event.get("text") for e in (await li.subscribe(began["conv"])).events][-1] == (
                    "where is my order?"
                )
                await li.send("it was number 7", began["conv"])
            with pytest.raises(RefusedError) as refused:
                await nobody.send("still me?", began["conv"])
            assert refused.value.code == "resource.not_found"
            # Nor is anybody shown that they type.
            seen: list[dict[str, Any]] = []
            agent = bench.system.agent(LIN, pushed=seen.append)
            async with agent.running():
                await agent.subscribe(began["conv"])
                asked_away = len(told)
                await nobody.say({"t": "signal", "conv": began["conv"], "kind": "typing", "text": "a stranger's"})
                await account.until(lambda: any(f["t"] == "err" for f in told[asked_away:]), "a refused signal")
                assert not [f for f in seen if f["t"] == "signal"]
        sent_away = [f for f in told if f["t"] == "err" and f.get("conv") == began["conv"]]
        assert sent_away[0]["code"] == "resource.not_found"
        assert not [f for f in told if f["t"] == "ev" and f["event"].get("text") == "it was number 7"]
        # The anonymous token makes somebody new from here on, and asking once more changes nothing.
        heard: list[dict[str, Any]] = []
        anew = Client([bench.system.nodes[0].ws], token=before["token"], pushed=heard.append)
        async with anew.running() as again:
            assert again.welcome.get("open") is None
            await again.say({"t": "ping", "n": 7})
            await account.until(lambda: any(f["t"] == "pong" for f in heard), "a pong")
        assert not [f for f in heard if f["t"] == "opened"]
        assert (await asked(account, identity=signed(account), token=before["token"])).body["contact"] == user[
            "contact"
        ]
        merged = [e for e in await account.events() if e["type"] == "contact.merged"]
        assert [(e["contact"], e["merged"], e["identities"]) for e in merged] == [
            (user["contact"], before["contact"], {"sub": key_hash("li")})
        ]


@pytest.mark.parametrize("stated", [{"email_verified": True}, {"email_verified": False}, {}])
async def test_the_address_of_another_user_opens_none_of_their_conversations(
    bench: Bench, stated: dict[str, bool]
) -> None:
    """Whoever can have any address written into their token, as where users type it, is still themselves."""
    async with bench.account() as account:
        address = f"li-{account.inbox}@example.com"
        claims = {"email": address, **stated}
        li = (await asked(account, identity=signed(account, email=address, email_verified=True))).body
        async with Client([bench.system.nodes[0].ws], token=li["token"]).running() as client:
            said = await client.send("my card number is 4711")
        thief = (await asked(account, identity=signed(account, sub="thief", **claims))).body
        assert thief["contact"] != li["contact"]
        async with Client([bench.system.nodes[0].ws], token=thief["token"]).running() as client:
            assert client.welcome.get("open") is None
            with pytest.raises(RefusedError) as refused:
                await client.send("hello", said["conv"])
            assert refused.value.code == "resource.not_found"
        again = (await asked(account, identity=signed(account, sub="thief", **claims))).body
        assert again["contact"] == thief["contact"]


async def test_a_verified_address_joins_a_user_with_who_they_are_in_another_inbox(bench: Bench) -> None:
    async with bench.account() as account, bench.account() as another:
        claims = {"email": f"both-{account.inbox}@example.com", "email_verified": True}
        first = (await asked(account, identity=signed(account, sub="in-one", **claims))).body
        second = (await asked(another, identity=signed(another, sub="in-two", **claims))).body
        assert first["contact"] == second["contact"]


async def test_only_who_does_not_look_is_rung(bench: Bench) -> None:
    async with bench.account() as account:
        phone = simulator_of(account).phone("li")
        heard = await account.hears("li", "hello")
        async with phone.client().running() as app:
            await app.subscribe(heard["conv"])
            seen = await account.agent.send("good morning", heard["conv"])
            await app.say({"t": "mark", "conv": heard["conv"], "delivered": seen["seq"]})
            await account.event(lambda e: e["type"] == "read.marked" and e.get("delivered") == seen["seq"])
        missed = await account.answers(heard, "are you there?")
        await account.state(missed, *OUT)
        assert account.texts() == ["are you there?"]
        assert not [e for e in await account.events() if e.get("target") == seen["id"]]


async def test_a_device_is_rung_for_whoever_is_signed_in_on_it(bench: Bench) -> None:
    async with bench.account() as account:
        simulator = simulator_of(account)
        http = bench.system.nodes[0].http
        push_token = simulator.device("shared", "apns")
        li, wang = [Phone(http, account.inbox, company(account), user) for user in ("li", "wang")]
        await li.sign_in(push_token)
        async with li.client().running() as app:
            to_li = await app.send("hello")
        # The phone was offline when Li signed out: it still changes hands.
        await wang.sign_in(push_token)
        async with wang.client().running() as app:
            to_wang = await app.send("hello")
        for said, text in ((to_li, "for Li alone"), (to_wang, "for Wang")):
            sent = await account.agent.send(text, said["conv"])
            await account.state(sent["id"], *OUT)
        assert account.texts() == ["for Wang"]
        gone = await asyncio.to_thread(device, "DELETE", http, wang.token, push_token)
        assert gone.status == 204
        after = await account.agent.send("for nobody", to_wang["conv"])
        await account.state(after["id"], *OUT)
        assert account.texts() == ["for Wang"]


async def test_only_an_apps_visitor_has_devices_and_only_real_ones(bench: Bench) -> None:
    async with bench.account() as account:
        http = bench.system.nodes[0].http
        phone = Phone(http, account.inbox, company(account), "li")
        await phone.sign_in()
        wrong = await asyncio.to_thread(device, "PUT", http, phone.token, "no token", {"service": "apns"})
        assert (wrong.status, wrong.body["code"], wrong.body["field"]) == (422, "device.token_invalid", "token")
        unknown = await asyncio.to_thread(device, "PUT", http, phone.token, "a" * 64, {"service": "pager"})
        assert (unknown.status, unknown.body["code"]) == (422, "body.invalid")
        token, _ = await asyncio.to_thread(rest.become_visitor, http, "web")
        of_web = await asyncio.to_thread(device, "PUT", http, token, "a" * 64, {"service": "apns"})
        assert of_web.body["code"] == "inbox.no_users"
        nobody = await asyncio.to_thread(device, "PUT", http, "none", "a" * 64, {"service": "apns"})
        assert nobody.status == 401
