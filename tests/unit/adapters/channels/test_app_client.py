"""Pushes over the wire: APNs by HTTP/2 and FCM, against the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from adapters.channels.app import App, devices
from backbone.channel import Device, FaultError, Out, Pause, Peer, Rejected, Retry, Unknown
from tests.simulators.app import AppSimulator
from tests.unit.adapters.channels.kit_telegram import MemoryKit, kit_for

LI = "user-42"


class World:
    """The channel, its kit and both services."""

    def __init__(self, channel: App, simulator: AppSimulator, kit: MemoryKit, acc: Any) -> None:
        self.channel, self.simulator, self.kit, self.acc = channel, simulator, kit, acc

    async def installs(self, service: Any, peer: str = LI) -> str:
        """The user installs the app on a device, which registers."""
        token = self.simulator.device(peer, service)
        assert await devices.add(self.kit, peer, Device(token=token, service=service))
        return token

    async def send(self, text: str = "hello", number: int = 1, conv: str = "03k7abc") -> None:
        """Rings the user."""
        out = Out(event="e", key=f"{number:032x}", conv=conv, peer=Peer(LI), text=text)
        sent = await self.channel.send(out, self.acc, self.kit)
        assert sent.state == "accepted"

    async def fault_of(self, text: str = "hello", number: int = 1) -> Any:
        """What a push fails with."""
        with pytest.raises(FaultError) as caught:
            await self.send(text, number)
        return caught.value.fault

    async def known(self) -> list[str]:
        """The tokens of the user's devices."""
        return [one.token for one in await devices.load(self.kit, LI)]

    def rung(self) -> list[str]:
        """The devices that showed something, in order."""
        return [one.more["device"] for one in self.simulator.accepted]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An app whose pushes show the text."""
    simulator, channel = AppSimulator(), App()
    async with simulator.running():
        settings = {**simulator.account(), "shows_text": True}
        async with kit_for(channel, settings, simulator.clock) as (kit, acc):
            try:
                yield World(channel, simulator, kit, acc)
            finally:
                await channel.close()


async def test_every_device_of_the_user_is_rung(world: World) -> None:
    phone, tablet = await world.installs("apns"), await world.installs("fcm")
    await world.installs("apns", "somebody else")
    await world.send("你好 👋")
    assert sorted(world.rung()) == sorted([phone, tablet])
    assert {one.text for one in world.simulator.accepted} == {"你好 👋"}


async def test_without_a_device_there_is_nothing_to_do(world: World) -> None:
    await world.send()
    assert world.simulator.calls == 0


async def test_a_later_push_of_the_conversation_stands_in_the_place_of_the_first(world: World) -> None:
    for service in ("apns", "fcm"):
        token = await world.installs(service)
        await world.send("one", 1)
        await world.send("two", 2)
        await world.send("other", 3, conv="03k7other")
        assert [line.text for line in world.simulator.customer_sees(f"{LI} {token}")] == ["two", "other"]


async def test_pushes_share_one_connection_and_one_token(world: World) -> None:
    await world.installs("apns")
    await world.installs("fcm")
    for number in range(5):
        await world.send(number=number)
    assert world.simulator.apns.connections == 1
    assert sorted(world.kit.fetched) == ["apns", "fcm"]


async def test_apples_token_is_renewed_after_forty_minutes_before_it_ends(world: World) -> None:
    await world.installs("apns")
    for number, minutes in enumerate((0, 39, 2, 40)):
        world.simulator.clock.advance(minutes * 60)
        await world.send(number=number)
    assert world.kit.fetched == ["apns"] * 3
    assert len(world.simulator.accepted) == 4


async def test_a_token_that_apple_takes_for_old_is_made_anew_once(world: World) -> None:
    await world.installs("apns")
    await world.send(number=1)
    world.simulator.renewal_least_s = 0
    world.simulator.script("token")
    world.simulator.clock.advance(60)
    await world.send(number=2)
    assert world.kit.fetched == ["apns", "apns"]
    world.simulator.script("token", 2)
    assert await world.fault_of(number=3) == Retry()


async def test_a_token_made_too_often_is_waited_for(world: World) -> None:
    await world.installs("apns")
    await world.send(number=1)
    await world.kit.forget_token("apns")
    world.simulator.clock.advance(60)
    assert await world.fault_of(number=2) == Retry(account=True)


async def test_googles_token_is_renewed_where_it_is_refused(world: World) -> None:
    await world.installs("fcm")
    await world.send(number=1)
    world.simulator.script("token")
    await world.send(number=2)
    assert world.kit.fetched == ["fcm", "fcm"]
    assert len(world.simulator.granted) == 2


@pytest.mark.parametrize("service", ["apns", "fcm"])
async def test_a_device_that_is_gone_is_forgotten(world: World, service: str) -> None:
    gone, other, foreign = [await world.installs(service) for _ in range(3)]
    world.simulator.clock.advance(10)
    world.simulator.uninstall(gone)
    world.simulator.rejects.add(foreign)
    await world.send()
    assert world.rung() == [other]
    assert await world.known() == [other]


async def test_a_device_that_registered_again_since_is_kept(world: World) -> None:
    token = await world.installs("apns")
    world.simulator.uninstall(token)
    world.simulator.clock.advance(10)
    await devices.add(world.kit, LI, Device(token=token, service="apns"))
    await world.send()
    assert await world.known() == [token]


@pytest.mark.parametrize("service", ["apns", "fcm"])
@pytest.mark.parametrize("fault", ["500", "html502", "busy", "limited", "reset", "lost"])
async def test_what_passes_is_tried_again(world: World, service: str, fault: str) -> None:
    await world.installs(service)
    world.simulator.script(fault)
    found = await world.fault_of()
    assert not isinstance(found, Rejected | Pause)
    await world.send()
    assert len({one.more["collapse"] for one in world.simulator.accepted}) == 1


async def test_a_device_that_was_rung_is_not_rung_again_for_another_that_was_not(world: World) -> None:
    await world.installs("apns")
    await world.installs("apns")
    world.simulator.script("busy")
    assert await world.fault_of() == Retry()
    await world.send()
    assert len(world.rung()) == len(set(world.rung())) == 2


@pytest.mark.parametrize("service", ["apns", "fcm"])
async def test_a_key_that_is_refused_pauses(world: World, service: str) -> None:
    await world.installs(service)
    world.simulator.script("refused")
    assert isinstance(await world.fault_of(), Pause)
    world.simulator.repair()
    await world.send()


async def test_a_push_that_is_refused_counts_only_where_no_other_device_rang(world: World) -> None:
    await world.installs("fcm")
    world.simulator.script("rejected")
    assert isinstance(await world.fault_of(number=1), Rejected)
    await world.installs("fcm")
    world.simulator.script("rejected")
    await world.send(number=2)
    assert len(world.rung()) == 1


async def test_a_service_that_is_not_set_up_rings_nobody(world: World) -> None:
    await world.installs("apns")
    phone = await world.installs("fcm")
    world.acc = msgspec.structs.replace(world.acc, apns_key="")
    await world.send()
    assert world.rung() == [phone]


async def test_a_push_whose_answer_was_lost_may_have_rung(world: World) -> None:
    await world.installs("apns")
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    await world.send()
    assert len(world.rung()) == 1


async def test_connections_that_break_are_made_anew(world: World) -> None:
    await world.installs("apns")
    await world.send(number=1)
    world.simulator.apns.break_all()
    try:
        await world.send(number=2)
    except FaultError as error:
        assert error.fault == Unknown()  # noqa: PT017 - either is right: the break may be noticed late
    await world.send(number=3)
    assert world.simulator.apns.connections >= 2


async def test_apples_certificate_is_verified_unless_a_setting_says_otherwise(world: World) -> None:
    await world.installs("apns")
    world.acc = msgspec.structs.replace(world.acc, apns_verify=True)
    assert await world.fault_of() == Retry()
    assert world.simulator.accepted == []


async def test_a_sandbox_device_is_rung_where_apps_from_xcode_are(world: World) -> None:
    token = world.simulator.device(LI, "apns")
    await devices.add(world.kit, LI, Device(token=token, service="apns", sandbox=True))
    world.acc = msgspec.structs.replace(world.acc, apns_api="https://127.0.0.1:9")
    await world.send()
    assert world.rung() == [token]


async def test_a_device_is_dropped_at_a_sign_out_and_ends_by_itself(world: World) -> None:
    first, second = await world.installs("apns"), await world.installs("fcm")
    await devices.drop(world.kit, LI, {first})
    assert await world.known() == [second]
    world.simulator.clock.advance(devices.LIFE_S + 1)
    assert await world.known() == []


async def test_a_token_that_is_none_is_not_kept(world: World) -> None:
    assert not await devices.add(world.kit, LI, Device(token="../../x", service="apns"))
    assert await world.known() == []


async def test_what_is_kept_and_is_no_list_is_nobody(world: World) -> None:
    await world.kit.remember(devices.key_of(LI), "{", 100)
    assert await world.known() == []


async def test_the_check_says_which_key_is_wrong(world: World) -> None:
    assert [c.problem for c in await world.channel.check(world.acc, world.kit)] == ["", ""]
    bare = msgspec.structs.replace(world.acc, apns_key="", fcm_service_account="")
    assert "no device is rung" in (await world.channel.check(bare, world.kit))[0].problem


async def test_the_check_finds_a_service_account_that_google_refuses(world: World) -> None:
    world.simulator.project = "another"
    assert "invalid_grant" in (await world.channel.check(world.acc, world.kit))[1].problem
