"""What is told of each request: one log line, and for generations one usage row."""

from datetime import datetime, timedelta

import structlog

from gateway.redact import redact_bare
from gateway.relay.facts import Facts
from gateway.store.usage import Attempt, Bodies, RequestDetail, UsageRecord, new_record_id

GENERATIONS = frozenset({"/v1/messages", "/v1/chat/completions"})
# Load balancers ask every few seconds, pages are many files; at info they would bury the rest.
QUIET = frozenset({"/health", "/ready", "/metrics", "/ui"})
# Long enough to look into what went wrong yesterday; they hold what people wrote.
BODIES_KEPT = timedelta(days=1)

log = structlog.get_logger("gateway.requests")


def log_request(facts: Facts, seconds: float) -> None:
    """One line at info. Never a prompt, a token or a key."""
    quiet = facts.route in QUIET and facts.status < 400
    usage = facts.usage
    fields: dict[str, object] = {
        "request_id": facts.request_id,
        "method": facts.method,
        "route": facts.route or facts.path[:128],
        "status": facts.status or None,
        "origin": facts.origin,
        "key_id": facts.api_key_id,
        "key": facts.api_key_name,
        "account": facts.account_name,
        "failed_over": ",".join(facts.failed_over) or None,
        "model": facts.model_asked,
        "served": facts.model_served,
        "stream": facts.stream if facts.model_asked else None,
        "first_token_ms": _milliseconds(facts.first_token),
        "total_ms": _milliseconds(seconds),
        "tokens_in": usage.input_tokens if usage else None,
        "tokens_out": usage.output_tokens if usage else None,
        "cache_read": usage.cache_read_tokens if usage and usage.cache_read_tokens else None,
        "cache_write": usage.cache_write_tokens if usage and usage.cache_write_tokens else None,
        "usage_source": usage.source if usage else None,
        "credits": usage.credits if usage else None,
        "stop_reason": facts.stop_reason,
        "retries": facts.retries if facts.upstream_calls else None,
        "upstream_request_id": facts.upstream_request_id or None,
        "notes": facts.notes_header() or None,
        "error": facts.error_class,
    }
    told = {name: value for name, value in fields.items() if value is not None}
    (log.debug if quiet else log.info)("request", **told)


def usage_record(facts: Facts, seconds: float, now: datetime) -> UsageRecord | None:
    """The row of a generation; None for requests without a key."""
    if facts.route not in GENERATIONS or facts.api_key_id is None:
        return None
    usage = facts.usage
    return UsageRecord(
        id=new_record_id(now),
        at=now,
        request_id=facts.request_id,
        api_key_id=facts.api_key_id,
        account_id=facts.account_id,
        route=facts.route,
        # Clients write what they like: a key that was pasted in the wrong place is not kept.
        model_asked=redact_bare(facts.model_asked or ""),
        model_served=redact_bare(facts.model_served or facts.model_asked or ""),
        status=facts.status,
        stream=facts.stream,
        input_tokens=usage.input_tokens if usage else 0,
        output_tokens=usage.output_tokens if usage else 0,
        cache_read_tokens=usage.cache_read_tokens if usage else 0,
        cache_write_tokens=usage.cache_write_tokens if usage else 0,
        credits=usage.credits if usage else None,
        usage_source=usage.source if usage else "none",
        stop_reason=facts.stop_reason,
        first_token_ms=_milliseconds(facts.first_token),
        duration_ms=round(seconds * 1000),
        retries=facts.retries,
        error_class=facts.error_class,
        error_source=facts.error_source,
        origin=facts.origin,
        detail=_detail(facts),
        bodies=_bodies(facts, now),
    )


def _detail(facts: Facts) -> RequestDetail:
    return RequestDetail(
        error_message=redact_bare(facts.error_message) if facts.error_message else None,
        notes=tuple(str(note) for note in facts.notes),
        attempts=tuple(
            Attempt(
                account=call.account,
                outcome=call.outcome,
                started_ms=round(call.started * 1000),
                duration_ms=round(call.seconds * 1000),
                waited_ms=round(call.waited * 1000),
                status=call.status,
                upstream_request_id=call.upstream_request_id,
                message=call.message,
            )
            for call in facts.calls
        ),
        limit=facts.limit,
        queued_ms=round(facts.queued * 1000),
        peer=facts.peer or None,
        client=redact_bare(facts.client) if facts.client else None,
        conversation_id=redact_bare(facts.conversation_id) if facts.conversation_id else None,
        upstream_request_id=facts.upstream_request_id or None,
        received_bytes=facts.received_bytes,
        sent_bytes=facts.sent_bytes,
    )


def _bodies(facts: Facts, now: datetime) -> Bodies | None:
    bodies = facts.bodies
    if bodies is None:
        return None
    return Bodies(
        expires_at=now + BODIES_KEPT,
        request=bodies.request or None,
        kiro=bodies.kiro or None,
        response=bytes(bodies.response) or None,
    )


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
