"""The routes of the admin API: what answers, and what the OpenAPI document says of it."""

import msgspec

from gateway.web.admin import (
    accounts,
    attention,
    client_requests,
    health,
    keys,
    kiro,
    logins,
    notifications,
    playground,
    quotas,
    replay,
    requests,
    scrape,
    session,
    settings,
    tail,
    trial,
    usage,
)
from gateway.web.admin.call import Handler, Route
from gateway.web.admin.documents import AccountObject, Deleted, KeyObject
from gateway.web.admin.errors import ErrorBody
from gateway.web.admin.listing import ListQuery
from gateway.web.openapi.operation import (
    CSV,
    EVENT_STREAM,
    JSON,
    TEXT,
    Access,
    Method,
    Operation,
    Reply,
    Schema,
    json_reply,
)
from gateway.web.own_usage import OwnUsage
from gateway.web.quota_shapes import QuotaObject, QuotaOverview

REFUSALS = {
    400: "The request makes no sense.",
    401: "No admin key or session, or a wrong one.",
    403: "From elsewhere than the admin API answers to, or sent by a foreign page.",
    402: "The account's quota or the key's credits are spent.",
    404: "There is no such thing.",
    409: "What is there already stands in the way, or the account has to sign in again.",
    413: "The body is larger than server.max_request_bytes.",
    414: "The address is longer than 16 KiB.",
    429: "Too many wrong admin keys.",
    500: "A defect, or the database fails.",
    502: "The service refuses.",
    503: "The account cannot be used just now.",
    504: "The service did not answer in time.",
    529: "The service is overloaded.",
}
ALWAYS = (401, 403, 429, 500)
WITH_BODY = (400, 413)
UPSTREAM = (400, 409, 502, 503)
PLAYED = (402, 404, 502, 503, 504, 529)
"""What the routes of clients also refuse with."""


class AnyErrorDetail(msgspec.Struct, frozen=True):
    """A sentence for people and a word for programs."""

    message: str
    type: str


class AnyErrorBody(msgspec.Struct, frozen=True):
    """An error of the admin API, or of the client's own route with what else that tells."""

    error: AnyErrorDetail


class AnyAnswer(msgspec.Struct, frozen=True):
    """What the client's own route answers."""


def _route(
    method: Method,
    path: str,
    handler: Handler,
    reply: Schema | Reply,
    *,
    status: int = 200,
    query: type[msgspec.Struct] | None = None,
    body: type[msgspec.Struct] | None = None,
    refusals: tuple[int, ...] = (),
    access: Access = "admin",
    body_required: bool = True,
    refusal: type[msgspec.Struct] = ErrorBody,
) -> Route:
    """A route whose summary is its handler's docstring."""
    statuses = {*ALWAYS, *refusals, *(WITH_BODY if body else ()), *((400,) if query else ())}
    statuses |= {414} if query or "{" in path else set()
    replies: dict[int, Reply] = {
        status: reply if isinstance(reply, Reply) else json_reply(reply),
        **{code: json_reply(refusal, REFUSALS[code]) for code in sorted(statuses)},
    }
    operation = Operation(
        method=method,
        path=path,
        name=f"{handler.__module__.rpartition('.')[2]}_{handler.__name__}",
        summary=_summary(handler),
        tag=path.split("/")[2] if path.startswith("/admin/") else "metrics",
        access=access,
        replies=replies,
        query=query,
        body=body,
        body_required=body_required,
    )
    return Route(operation, handler)


def _summary(handler: Handler) -> str:
    """The docstring's first line, without the method and path that it may begin with."""
    # Python leaves docstrings out when it is told to optimise.
    line = (handler.__doc__ or handler.__name__.replace("_", " ")).splitlines()[0]
    return line.partition(": ")[2] or line


ROUTES: tuple[Route, ...] = (
    _route("GET", "/admin/accounts", accounts.list_all, accounts.AccountList, query=ListQuery),
    _route(
        "POST",
        "/admin/accounts",
        accounts.create,
        AccountObject,
        status=201,
        body=accounts.NewAccount,
        refusals=(409,),
    ),
    _route("GET", "/admin/accounts/{id}", accounts.get, AccountObject, refusals=(404,)),
    _route(
        "PUT",
        "/admin/accounts/{id}",
        accounts.change,
        AccountObject,
        body=accounts.AccountChange,
        refusals=(404, 409),
    ),
    _route(
        "DELETE",
        "/admin/accounts/{id}",
        accounts.delete,
        Deleted,
        query=accounts.DeleteQuery,
        refusals=(404, 409),
    ),
    _route(
        "POST",
        "/admin/accounts/{id}/test",
        trial.test,
        trial.TestResult,
        body=trial.TestOrder,
        body_required=False,
        refusals=(404,),
    ),
    _route(
        "GET",
        "/admin/accounts/{id}/health",
        health.history,
        health.HealthReport,
        query=health.HistoryQuery,
        refusals=(404,),
    ),
    _route(
        "GET",
        "/admin/keys",
        keys.list_all,
        keys.KeyList,
        query=keys.KeyListQuery,
        refusals=(404,),
    ),
    _route("POST", "/admin/keys", keys.create, KeyObject, status=201, body=keys.NewKey),
    _route("GET", "/admin/keys/{id}", keys.get, KeyObject, refusals=(400, 404)),
    _route("PUT", "/admin/keys/{id}", keys.change, KeyObject, body=keys.KeyChange, refusals=(404,)),
    _route("DELETE", "/admin/keys/{id}", keys.delete, Deleted, refusals=(400, 404)),
    _route("GET", "/admin/keys/{id}/usage", keys.usage, OwnUsage, refusals=(400, 404)),
    _route(
        "POST",
        "/admin/keys/{id}/rotate",
        keys.rotate,
        KeyObject,
        body=keys.Rotation,
        body_required=False,
        refusals=(404,),
    ),
    _route("GET", "/admin/kiro/status", kiro.status, kiro.KiroStatus, query=kiro.AccountQuery),
    _route(
        "POST",
        "/admin/kiro/refresh",
        kiro.refresh,
        kiro.KiroStatus,
        query=kiro.AccountQuery,
        body=kiro.AccountChoice,
        body_required=False,
        refusals=UPSTREAM,
    ),
    _route("GET", "/admin/kiro/import-local", kiro.local_places, kiro.LocalPlaces),
    _route(
        "POST",
        "/admin/kiro/import-local",
        kiro.import_local,
        kiro.ImportResult,
        query=kiro.AccountQuery,
        body=kiro.ImportOrder,
        body_required=False,
    ),
    _route(
        "POST",
        "/admin/kiro/login",
        logins.start,
        logins.LoginObject,
        query=kiro.AccountQuery,
        body=logins.PortalOrder,
        body_required=False,
        refusals=(409,),
    ),
    _route(
        "POST",
        "/admin/kiro/device-login",
        logins.start_device,
        logins.LoginObject,
        query=kiro.AccountQuery,
        body=logins.DeviceOrder,
        body_required=False,
        refusals=(409, 502),
    ),
    _route("GET", "/admin/kiro/logins", logins.list_all, logins.LoginList, query=logins.LoginQuery),
    _route("GET", "/admin/kiro/login/{id}", logins.status, logins.LoginObject, refusals=(404,)),
    _route("DELETE", "/admin/kiro/login/{id}", logins.cancel, logins.LoginObject, refusals=(404,)),
    _route(
        "POST",
        "/admin/kiro/login/{id}/callback",
        logins.callback,
        logins.LoginObject,
        body=logins.CallbackOrder,
        refusals=(404, 409, 502),
    ),
    _route(
        "POST",
        "/admin/kiro/login/{id}/profile",
        logins.choose_profile,
        logins.LoginObject,
        body=logins.ProfileChoice,
        refusals=(404, 409),
    ),
    _route(
        "POST",
        "/admin/kiro/login/complete/{id}",
        logins.complete,
        logins.LoginObject,
        refusals=(404,),
    ),
    _route(
        "GET",
        "/admin/kiro/usage-limits",
        kiro.usage_limits,
        QuotaObject,
        query=kiro.FreshQuery,
        refusals=UPSTREAM,
    ),
    _route(
        "GET",
        "/admin/kiro/quotas",
        quotas.get,
        QuotaOverview,
        query=quotas.OverviewQuery,
    ),
    _route(
        "GET",
        "/admin/kiro/profiles",
        kiro.profiles,
        kiro.KiroProfiles,
        query=kiro.AccountQuery,
        refusals=UPSTREAM,
    ),
    _route(
        "GET",
        "/admin/kiro/models",
        kiro.models,
        kiro.KiroModels,
        query=kiro.FreshQuery,
        refusals=UPSTREAM,
    ),
    _route(
        "POST",
        "/admin/preview",
        client_requests.preview,
        client_requests.Preview,
        body=client_requests.PreviewOrder,
    ),
    _route(
        "POST",
        "/admin/playground",
        playground.play,
        Reply("What the client's own route answers.", {JSON: AnyAnswer, EVENT_STREAM: None}),
        body=playground.PlaygroundOrder,
        refusals=PLAYED,
        refusal=AnyErrorBody,
    ),
    _route("GET", "/admin/attention", attention.get, attention.Attention),
    _route(
        "GET",
        "/admin/usage",
        usage.get,
        Reply("The sums.", {JSON: usage.UsageReport, CSV: None}),
        query=usage.UsageQuery,
    ),
    _route(
        "GET",
        "/admin/requests",
        tail.list_or_follow,
        Reply("The requests.", {JSON: requests.RequestList, EVENT_STREAM: None}),
        query=requests.RequestQuery,
    ),
    _route(
        "GET",
        "/admin/requests/{id}",
        requests.get,
        requests.RequestDetailObject,
        refusals=(404,),
    ),
    _route(
        "POST",
        "/admin/requests/{id}/replay",
        replay.replay,
        Reply("The answer.", {JSON: AnyAnswer, EVENT_STREAM: None}),
        body=replay.ReplayOrder,
        body_required=False,
        refusals=(404, *UPSTREAM),
    ),
    _route("GET", "/admin/notifications", notifications.get, notifications.NotificationsObject),
    _route(
        "PUT",
        "/admin/notifications",
        notifications.change,
        notifications.NotificationsObject,
        body=notifications.NotificationsChange,
    ),
    _route(
        "POST",
        "/admin/notifications/test",
        notifications.test,
        notifications.TestResults,
        body=notifications.TestOrder,
        body_required=False,
    ),
    _route("GET", "/admin/notifications/teams", notifications.teams, notifications.TeamsStatus),
    _route(
        "PUT",
        "/admin/notifications/teams",
        notifications.switch_teams,
        notifications.TeamsStatus,
        body=notifications.TeamsSwitch,
    ),
    _route("GET", "/admin/settings", settings.get, settings.SettingsObject),
    _route(
        "PUT",
        "/admin/settings/body-capture",
        settings.capture_bodies,
        settings.CaptureObject,
        body=settings.CaptureOrder,
    ),
    _route(
        "GET",
        "/admin/version",
        settings.version,
        settings.VersionObject,
        query=settings.VersionQuery,
    ),
    _route("GET", "/admin/session", session.state, session.SessionState, access="public"),
    _route(
        "POST",
        "/admin/session",
        session.sign_in,
        session.SessionObject,
        body=session.SignIn,
        body_required=False,
        access="public",
    ),
    _route("DELETE", "/admin/session", session.sign_out, Deleted),
    _route(
        "GET",
        "/metrics",
        scrape.metrics,
        Reply("The metrics.", {TEXT: None}),
        access="metrics",
    ),
)
