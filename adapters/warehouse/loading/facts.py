"""Facts of a conversation as a row of table `conversations`: the measures that follow from them. Pure."""

from __future__ import annotations

from typing import Any

from adapters.warehouse.loading.fold import Facts


def row(facts: Facts) -> dict[str, Any]:
    """Column to value; times in UTC ms, durations in ms, None where metrics.md says NULL."""
    answered = None if facts.is_outbound else facts.first_visitor_at
    resolved = facts.resolved_at is not None
    held = None if facts.held_ms is None else facts.held_ms + (facts.wrapup_ms or 0)
    return {
        "tenant": facts.tenant,
        "conversation": facts.conversation,
        "stored_at": facts.stored_ms,
        "channel": facts.channel,
        "inbox": facts.inbox,
        "contact": facts.contact,
        "contact_name": facts.contact_name,
        "previous": facts.previous,
        "status": facts.status,
        "agent": facts.agent,
        "team": facts.team,
        "first_team": facts.first_team,
        "opened_by": facts.opened_by,
        "opened_at": facts.opened_at,
        "first_visitor_at": facts.first_visitor_at,
        "first_bot_at": facts.first_bot_at,
        "first_agent_at": facts.first_agent_at,
        "first_resolved_at": facts.first_resolved_at,
        "resolved_at": facts.resolved_at,
        "closed_at": facts.closed_at,
        "close_reason": facts.close_reason,
        "last_at": facts.last_at,
        "frt_any_ms": _least(_span(answered, facts.first_bot_at), _span(answered, facts.first_agent_at)),
        "frt_bot_ms": _span(answered, facts.first_bot_at),
        "frt_human_ms": _span(answered, facts.first_agent_at),
        "frt_handoff_ms": _after(facts.handoff_at, facts.first_agent_at),
        "queue_wait_ms": facts.first_queue_wait_ms,
        "queue_wait_total_ms": facts.queue_wait_total_ms,
        "queue_entries": facts.queue_entries,
        "handled_ms": held,
        "wrapup_ms": facts.wrapup_ms,
        "first_resolution_ms": _span(facts.opened_at, facts.first_resolved_at),
        "full_resolution_ms": _span(facts.opened_at, facts.resolved_at),
        "open_time_ms": _minus(_span(facts.opened_at, facts.resolved_at), facts.resolved_ms),
        "human_rounds": facts.human_rounds,
        "human_rounds_ms": facts.human_rounds_ms,
        "bot_rounds": facts.bot_rounds,
        "bot_rounds_ms": facts.bot_rounds_ms,
        "messages_visitor": facts.messages_visitor,
        "messages_agent": facts.messages_agent,
        "messages_bot": facts.messages_bot,
        "messages_system": facts.messages_system,
        "notes": facts.notes,
        "reopens": facts.reopens,
        "reopens_by_agent": facts.reopens_by_agent,
        "transfers": facts.transfers,
        "reassigned": facts.reassigned,
        "one_touch": int(resolved and facts.messages_agent == 1 and not _came_back(facts) and not facts.transfers),
        "no_touch": int(resolved and facts.messages_agent == 0),
        "rating_requested_at": facts.rating_requested_at,
        "rating_at": facts.rating_at,
        "rating": facts.rating,
        "clock_skew": int(facts.clock_skew),
        "epoch": facts.epoch,
        "seq": facts.seq,
    }


def _came_back(facts: Facts) -> bool:
    return facts.reopens + facts.reopens_by_agent > 0


def _span(since: int | None, until: int | None) -> int | None:
    return None if since is None or until is None else max(0, until - since)


def _after(since: int | None, until: int | None) -> int | None:
    """A span that doesn't exist if its end came before its beginning."""
    return None if since is None or until is None or until < since else until - since


def _least(*spans: int | None) -> int | None:
    return min((span for span in spans if span is not None), default=None)


def _minus(span: int | None, part: int) -> int | None:
    return None if span is None else max(0, span - part)
