"""What people with several devices, and those who send again, are promised: checks of a history, pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.faults import history as h
from tests.faults.world import Violation, World
from trunkline.client import PASSING

CALM_MOST_S = 5.0
"""What a calm client waits at most for an answer when a node is killed or frozen and another one is there."""

OF_NODES = frozenset({"kill node", "freeze node"})
BEFORE_S = 0.5
"""A post that began so long before a fault may still have been on its way."""


def resends_find_what_is_stored(world: World) -> Iterator[Violation]:
    """A message that is sent again, by whatever device and however late, is answered with where it is."""
    for again in world.of(h.Resent):
        stored = [world.place(again.op, n) for n in world.alive(again.began, again.at)]
        if again.outcome == "ok":
            if not any(place and (place.conv, place.event.seq) == (again.conv, again.seq) for place in stored):
                yield Violation("I1", "resent_elsewhere", f"{again} is in {stored}")
        elif again.outcome == "fail" and not PASSING.match(again.code) and stored and all(stored):
            yield Violation("I1", "resend_refused", f"{again} is in {stored}")


def every_device_hears(world: World) -> Iterator[Violation]:
    """A conversation that one device of a person opened is shown by each of their devices that is there."""
    here: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in world.of(h.Here):
        viewer = world.viewers[record.viewer]
        here[viewer.tenant, viewer.person].append(viewer.viewer)
    shown: dict[str, set[str]] = defaultdict(set)
    chosen: dict[str, set[str]] = defaultdict(set)
    for run in world.runs:
        if run.reached:
            shown[run.viewer].add(run.conv)
        if run.why == "sub":
            chosen[run.viewer].add(run.conv)
    for devices in here.values():
        if len(devices) < 2 or world.viewers[devices[0]].kind != "visitor":
            continue
        opened = {conv for device in devices for conv in chosen[device] & shown[device]}
        for device in devices:
            for conv in sorted(opened - shown[device]):
                yield Violation("I3", "unheard", f"{device} shows nothing of {conv}, as {devices} do")


def calm_ones_wait_little(world: World) -> Iterator[Violation]:
    """Who isn't in a hurry has an answer within 5 s, whichever node dies or freezes."""
    for op, waited_s, fault in calm_waits(world):
        if waited_s > CALM_MOST_S:
            yield Violation("I12", "calm_waited", f"{op} waited {waited_s:.1f} s in {fault}")


def calm_waits(world: World) -> Iterator[tuple[str, float, h.Fault]]:
    """Posts of calm ones that were on their way when a node was killed or frozen: which, how long (s), and in what."""
    faults = [fault for fault in world.of(h.Fault) if fault.name in OF_NODES]
    for op, post in world.posts.items():
        if world.viewers[post.began.viewer].kind == "visitor" and post.began.viewer.startswith(h.CALM):
            for fault in faults:
                if fault.since - BEFORE_S <= post.began.at <= fault.until:
                    yield op, post.ended.at - post.began.at, fault
