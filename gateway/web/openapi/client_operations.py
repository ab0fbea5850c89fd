"""What needs an API key, and what needs nothing at all."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from gateway.web.openapi import client_shapes as shapes
from gateway.web.openapi.operation import (
    EVENT_STREAM,
    HTML,
    JSON,
    Method,
    Operation,
    Reply,
    Schema,
    json_reply,
)
from gateway.web.own_usage import OwnUsage
from gateway.web.quota_shapes import ClientQuota

ERRORS = {
    400: "The request makes no sense, or is too long for the model.",
    401: "No API key, or one that is not known.",
    402: "The account's quota or the key's credits are spent.",
    403: "The key is disabled, has expired, or may not use this account or model.",
    404: "There is no such model.",
    413: "The body is larger than server.max_request_bytes.",
    414: "The address is longer than 16 KiB.",
    429: "Too many requests: Retry-After says when to come back.",
    500: "A defect, or an internal error of the service.",
    502: "The service cannot be reached, or refuses the account.",
    503: "No account can serve this just now.",
    504: "The service did not answer in time.",
    529: "The service is overloaded.",
}
ALWAYS = (401, 403, 414, 429, 500, 503)
UPSTREAM = (402, 404, 502, 504, 529)
WITH_BODY = (400, 413)


def _client(
    method: Method,
    path: str,
    name: str,
    summary: str,
    content: Mapping[str, Schema | None],
    refusals: tuple[int, ...],
    *,
    query: type[msgspec.Struct] | None = None,
    body: Schema | None = None,
) -> Operation:
    statuses = {*ALWAYS, *refusals, *(WITH_BODY if body else ())}
    errors = {
        status: json_reply(shapes.ClientErrorBody, ERRORS[status]) for status in sorted(statuses)
    }
    return Operation(
        method=method,
        path=path,
        name=name,
        summary=summary,
        tag="client",
        access="api_key",
        replies={200: Reply("The answer.", content), **errors},
        query=query,
        body=body,
    )


def _public(path: str, name: str, summary: str, replies: Mapping[int, Reply]) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        summary=summary,
        tag="public",
        access="public",
        replies=replies,
    )


CLIENT: tuple[Operation, ...] = (
    _client(
        "POST",
        "/v1/messages",
        "create_message",
        "Anthropic's Messages API.",
        {JSON: shapes.Message, EVENT_STREAM: None},
        UPSTREAM,
        body=shapes.MessagesRequest,
    ),
    _client(
        "POST",
        "/v1/messages/count_tokens",
        "count_tokens",
        "An estimate of a request's input tokens.",
        {JSON: shapes.TokenCount},
        (),
        body=shapes.CountTokensRequest,
    ),
    _client(
        "POST",
        "/v1/chat/completions",
        "create_chat_completion",
        "OpenAI's Chat Completions API.",
        {JSON: shapes.Completion, EVENT_STREAM: None},
        UPSTREAM,
        body=shapes.ChatRequest,
    ),
    _client(
        "GET",
        "/v1/models",
        "list_models",
        "The models of the account.",
        {JSON: shapes.ModelPage},
        (400, *UPSTREAM),
        query=shapes.ModelPageQuery,
    ),
    _client(
        "GET",
        "/models",
        "list_models_without_version",
        "The same, for clients that leave /v1 out.",
        {JSON: shapes.ModelPage},
        (400, *UPSTREAM),
        query=shapes.ModelPageQuery,
    ),
    _client(
        "GET",
        "/v1/models/{id}",
        "get_model",
        "One model, by any name that requests may use.",
        {JSON: shapes.ModelEntry},
        UPSTREAM,
    ),
    _client(
        "GET",
        "/v1/kiro/usage-limits",
        "usage_limits",
        "How much of the account's quota is left.",
        {JSON: ClientQuota},
        UPSTREAM,
        query=shapes.QuotaQuery,
    ),
    _client(
        "GET",
        "/v1/usage",
        "own_usage",
        "What the calling key has used, its limits, and when they reset.",
        {JSON: OwnUsage},
        (),
    ),
)
"""Each of these also exists below /a/{kiro_account}."""

PUBLIC: tuple[Operation, ...] = (
    _public(
        "/",
        "service_info",
        "What answers here.",
        {
            200: json_reply(shapes.ServiceInfo),
            302: Reply("To the admin pages, for browsers."),
        },
    ),
    _public(
        "/api/hello",
        "hello",
        "Some clients ask this first; the answer is empty.",
        {200: Reply("Nothing.")},
    ),
    _public("/health", "health", "The process lives.", {200: json_reply(shapes.Liveness)}),
    _public(
        "/ready",
        "ready",
        "Whether requests may be sent here.",
        {
            200: json_reply(shapes.Readiness, "They may."),
            503: json_reply(shapes.Readiness, "The gateway is on its way out."),
        },
    ),
    _public(
        "/openapi.json",
        "openapi",
        "This document.",
        {200: json_reply(shapes.Document, "The document.")},
    ),
    _public(
        "/ui",
        "ui",
        "The admin pages, here and below.",
        {
            200: Reply("The document that all pages are.", {HTML: None}),
            403: Reply("From elsewhere than the admin pages answer to.", {HTML: None}),
            404: Reply("They have not been built.", {HTML: None}),
        },
    ),
)


def with_forced_account(operations: tuple[Operation, ...]) -> Iterator[Operation]:
    """The same operations with the account in the path."""
    for operation in operations:
        yield replace(
            operation,
            path="/a/{kiro_account}" + operation.path,
            name=operation.name + "_of_account",
        )
