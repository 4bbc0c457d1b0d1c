"""An adapter that follows the log is killed, told things twice, put back and poisoned: it makes the same of it all."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.followers.conftest import NEW
from tests.followers.rig import Rig
from tests.harness.series import series

pytestmark = pytest.mark.timeout(240)

POISON = (b"not json", b"\xff\xfe\x00", b"{}", b"[]", b'{"type":"message.added","id":5}', b"null", b"")


def test_a_killed_one_loses_nothing_and_counts_nothing_twice(rig: Rig) -> None:
    """At any time, under load; the one that stood by goes on from the cursor."""
    for _ in range(3):
        rig.write(300)
        rig.kill()
        rig.write(200)
    rig.resume()
    if rig.adapter == NEW:
        total: Counter[str] = Counter()
        for cursor in rig.until_taken().values():
            total.update(cursor.state)
        assert total == rig.counted()
    rig.assert_made_as_if_undisturbed()


@pytest.mark.parametrize("point", ["follow.fetched", "follow.before_cursor"])
@pytest.mark.rest
def test_one_that_dies_between_two_steps_is_followed_by_one_that_goes_on(rig: Rig, point: str) -> None:
    rig.stop()
    rig.write(200)
    rig.die_at(point)
    rig.write(50)
    rig.assert_made_as_if_undisturbed()


@pytest.mark.rest
def test_events_that_come_again_change_nothing(rig: Rig) -> None:
    """The cursor is an older one, with what was kept in it then."""
    rig.write(100)
    older = rig.until_taken()
    rig.write(150)
    rig.until_taken()
    rig.stop()
    rig.set_cursors(older)
    rig.resume()
    rig.assert_made_as_if_undisturbed()


def test_a_log_that_was_put_back_takes_what_was_made_of_the_lost_future_with_it(rig: Rig) -> None:
    rig.write(100)
    rig.until_taken()
    rig.copy()
    rig.write(150)
    rig.until_taken()
    rig.put_back()
    for node in rig.system.nodes:
        node.wait_ready()
    rig.write(40)
    rig.assert_made_as_if_undisturbed()


def test_what_is_no_event_goes_to_dead_and_everything_behind_it_is_taken(rig: Rig) -> None:
    rig.write(50)
    before = rig.dead()
    poison = set(rig.store(POISON))
    rig.write(50)
    rig.until_taken()
    for process in rig.processes:
        assert process.ready()[0] == 200, process.tail()
    found = rig.dead() - before
    assert found
    assert found <= poison
    rig.assert_made_as_if_undisturbed()
    if rig.adapter == NEW:
        assert found == poison
        shown = [series(process.health).value("trunkline_counting_messages") for process in rig.processes]
        assert max(shown) == sum(rig.counted().values())
