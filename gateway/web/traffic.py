"""Raw traffic with clients of the runtime API, for the log at debug.

Secrets are hidden first, and what is left is cut then.
"""

from collections.abc import Mapping

import structlog

from gateway.logs import is_debugging
from gateway.redact import redact_headers, redact_text
from gateway.relay.facts import Facts

SHOWN = 8192  # characters of a body, or of what is sent at once

log = structlog.get_logger("gateway.traffic")


def is_traced(facts: Facts) -> bool:
    """Whether to trace this request; asked once for each, not for everything it sends."""
    return facts.route.startswith("/v1/") and is_debugging()


def trace_request(facts: Facts, headers: Mapping[str, str], body: bytes) -> None:
    """What a client sent."""
    log.debug(
        "client request",
        request_id=facts.request_id,
        method=facts.method,
        path=facts.path,
        headers=redact_headers(headers),
        body=_shown(body),
    )


def trace_start(facts: Facts, status: int, headers: Mapping[str, str]) -> None:
    """The head of an answer."""
    log.debug(
        "answer begins",
        request_id=facts.request_id,
        status=status,
        headers=redact_headers(headers),
    )


def trace_sent(facts: Facts, body: bytes) -> None:
    """A body, or a piece of a stream."""
    log.debug("sent", request_id=facts.request_id, body=_shown(body))


def _shown(body: bytes) -> str:
    return redact_text(body.decode("utf-8", "replace"), SHOWN)
