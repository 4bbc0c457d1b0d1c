"""A table a fault: what follows from each, at the first call and later, doubtful or not, in time or too late."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.kit.outgoing import backoff, verdict
from adapters.channels.kit.outgoing.verdict import (
    FOR_EVER,
    Again,
    Ask,
    Attempt,
    GiveUp,
    Park,
    Settle,
    Taken,
    Verdict,
    refused_later,
)
from backbone.channel import (
    Caps,
    Duplicate,
    Fault,
    FaultError,
    MediaGone,
    Moved,
    Pause,
    Rejected,
    Retry,
    TokenExpired,
    Unknown,
    WindowClosed,
)

NOW = 1_000_000
PARK_S = 5.0
PLAIN: Caps = Caps()
FIRST = Attempt(tries=0, tried_before=0, is_doubtful=False, left_s=60, now_ms=NOW)
SECOND = FIRST._replace(tries=1)
DOUBTFUL = SECOND._replace(is_doubtful=True)
LATE = FIRST._replace(left_s=-1)


IDEMPOTENT = Caps(idempotent=True)
STEPS = Caps(backoff_s=(1.0, 60.0))


def _after(fault: Fault, attempt: Attempt = FIRST, caps: Caps = PLAIN, chance: float = 0.5) -> Verdict:
    return verdict.after(FaultError(fault, "said"), attempt, caps, PARK_S, lambda: chance)


@pytest.mark.parametrize(
    ("fault", "attempt", "caps", "expected"),
    [
        pytest.param(Duplicate("7"), FIRST, PLAIN, Taken("7"), id="taken before"),
        pytest.param(Duplicate("7"), DOUBTFUL, PLAIN, Taken("7"), id="taken by the doubtful one"),
        pytest.param(Rejected("no"), FIRST, PLAIN, Settle("failed", "channel.rejected", "no"), id="refused"),
        pytest.param(Rejected("no"), SECOND, PLAIN, Settle("failed", "channel.rejected", "no"), id="refused later"),
        pytest.param(Rejected("no"), DOUBTFUL, PLAIN, Settle("unknown", "channel.unknown", "no"), id="in doubt"),
        pytest.param(Unknown(), FIRST, PLAIN, Ask(), id="no answer"),
        pytest.param(Unknown(), SECOND, IDEMPOTENT, Ask(), id="no answer twice"),
        pytest.param(Unknown(), LATE, IDEMPOTENT, Ask(), id="no answer and too late"),
        pytest.param(
            WindowClosed("time"),
            SECOND,
            PLAIN,
            Park(FOR_EVER, "window", code="channel.window_platform", text="time", shuts_window=True),
            id="window",
        ),
        pytest.param(Pause("ill"), FIRST, PLAIN, Park(FOR_EVER, "pause", code="channel.paused", text="ill"), id="ill"),
        pytest.param(MediaGone(), FIRST, PLAIN, Again(0, forgets_uploads=True), id="an upload is gone"),
        pytest.param(
            MediaGone(), SECOND, PLAIN, Settle("failed", "channel.rejected", "said"), id="an upload is gone twice"
        ),
        pytest.param(Retry(), LATE, PLAIN, GiveUp("said"), id="too late"),
        pytest.param(TokenExpired(), LATE, PLAIN, GiveUp("said"), id="a token that stays expired, too late"),
        pytest.param(Retry(after_s=2), FIRST, PLAIN, Again(2), id="its own wish"),
        pytest.param(Retry(after_s=2, account=True), FIRST, PLAIN, Again(2, 2), id="its own wish for the account"),
        pytest.param(Retry(after_s=9), SECOND, PLAIN, Park(NOW + 9000, "retry", 2), id="its own wish is long"),
        pytest.param(
            Retry(after_s=9, account=True), FIRST, PLAIN, Park(NOW + 9000, "retry", 1, account_s=9), id="long, account"
        ),
        pytest.param(Retry(), FIRST, STEPS, Again(1.05), id="the channel's first step"),
        pytest.param(Retry(), SECOND, STEPS, Park(NOW + 63_000, "retry", 2), id="the channel's long step"),
        pytest.param(Retry(), SECOND._replace(tried_before=1), STEPS, GiveUp("said"), id="no step is left"),
    ],
)
def test_what_follows(fault: Fault, attempt: Attempt, caps: Caps, expected: Verdict) -> None:
    found = _after(fault, attempt, caps)
    if isinstance(found, Again) and isinstance(expected, Again):
        assert found == pytest.approx(expected)
    else:
        assert found == expected


def test_a_call_that_knows_its_key_is_made_once_more_without_asking() -> None:
    assert isinstance(_after(Unknown(), FIRST, IDEMPOTENT), Again)


@given(
    tries=st.integers(0, 40),
    before=st.integers(0, 40),
    left_s=st.floats(0, 1e6),
    chance=st.floats(0, 1),
)
def test_a_call_that_is_made_again_is_made_soon_or_parked(
    tries: int, before: int, left_s: float, chance: float
) -> None:
    attempt = Attempt(tries, before, is_doubtful=False, left_s=left_s, now_ms=NOW)
    found = _after(Retry(), attempt, chance=chance)
    assert isinstance(found, Again | Park)
    if isinstance(found, Again):
        assert backoff.LEAST_S <= found.delay_s <= PARK_S
    else:
        assert NOW + PARK_S * 1000 <= found.until <= NOW + backoff.MOST_S * 1000
        assert found.until <= NOW + (left_s + backoff.AFTER_END_S) * 1000 + 1
        assert found.tries == tries + before + 1


@pytest.mark.parametrize("kind", get_args(Fault))
@pytest.mark.parametrize("attempt", [FIRST, SECOND, DOUBTFUL, LATE])
@pytest.mark.parametrize("caps", [PLAIN, IDEMPOTENT, STEPS], ids=["plain", "idempotent", "steps"])
def test_in_doubt_nothing_is_said_to_have_failed_by_a_refusal(kind: Any, attempt: Attempt, caps: Caps) -> None:
    fault = kind("why") if kind in {Rejected, Pause, Moved} else kind()
    found = _after(fault, attempt, caps)
    assert isinstance(found, Verdict)
    if attempt.is_doubtful and isinstance(fault, Rejected | Moved):
        assert isinstance(found, Settle)
        assert found.state == "unknown"
    if isinstance(fault, Unknown):
        assert not isinstance(found, Taken | Settle | GiveUp), "nobody knows, so nothing is settled"


@given(times=st.integers(1, 5), left_s=st.floats(0, 1e6), chance=st.floats(0, 1))
def test_what_is_refused_later_waits_longer_each_time(times: int, left_s: float, chance: float) -> None:
    found = refused_later(times, left_s, NOW, lambda: chance)
    assert isinstance(found, Park)
    assert times * 1000 <= found.until - NOW <= (times + 2**times + 1) * 1000
    assert (found.why, found.tries) == ("retry", times)


@pytest.mark.parametrize(("times", "left_s"), [(6, 1000.0), (1, -1.0)])
def test_what_is_refused_too_often_or_too_late_is_given_up(times: int, left_s: float) -> None:
    assert refused_later(times, left_s, NOW) == GiveUp("")
