"""/admin/kiro/login and around: signing accounts in. The gateway finishes every sign-in itself."""

import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.errors import InvalidRequest
from gateway.logins.login import Login, Method, Status, Step
from gateway.upstream.signin.callback import MAX_ADDRESS, read_address
from gateway.upstream.signin.issued import Why
from gateway.web.admin.call import Call
from gateway.web.admin.kiro import (
    AccountName,
    AccountQuery,
    ProfileObject,
    Provider,
    Region,
    chosen_account,
)
from gateway.web.services import Services

StartUrl = Annotated[
    str, Meta(max_length=1024, description="Of the organisation: https://….awsapps.com/start.")
]
DeviceMethod = Annotated[
    str, Meta(max_length=32, description="organization (the default) or builder_id.")
]
Port = Annotated[int, Meta(ge=1, le=65535, description="To come back to; by default a free one.")]
_METHODS: dict[str, Method] = {
    "": "organization",
    "organization": "organization",
    "organisation": "organization",
    "yourorganization": "organization",
    "org": "organization",
    "awsidc": "organization",
    "idc": "organization",
    "builderid": "builder_id",
}


class PortalOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which account to sign in at Kiro's page."""

    account: AccountName | None = None
    provider: Provider | None = None
    port: Port | None = None


class DeviceOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which account to sign in with a code, and where."""

    account: AccountName | None = None
    provider: Provider | None = None
    method: DeviceMethod = ""
    start_url: StartUrl | None = None
    idc_region: Region | None = None


class CallbackOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the browser ended on."""

    url: Annotated[
        str, Meta(min_length=1, max_length=MAX_ADDRESS, description="The whole address.")
    ]


class ProfileChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the offered profiles the account is to use."""

    profile: Annotated[
        str, Meta(min_length=1, max_length=512, description="Its ARN, or a name only it has.")
    ]


class LoginObject(msgspec.Struct, frozen=True):
    """A sign-in. What the present step does not need is left out."""

    id: str
    account: str
    provider: str
    method: Method
    status: Status
    message: Annotated[str, Meta(description="What happened, or is to be done, for people.")]
    created_at: datetime
    expires_at: Annotated[datetime, Meta(description="When the present step is given up.")]
    step: Annotated[
        Step | UnsetType,
        Meta(
            description="What a pending one waits for: browser (open auth_url), device (confirm "
            "user_code), identity_provider (open provider_url, paste the address), profile "
            "(choose one), finishing (nobody)."
        ),
    ] = UNSET
    auth_url: str | UnsetType = UNSET
    port: int | UnsetType = UNSET
    user_code: str | UnsetType = UNSET
    verification_uri: str | UnsetType = UNSET
    verification_uri_complete: str | UnsetType = UNSET
    interval: float | UnsetType = UNSET
    provider_url: str | UnsetType = UNSET
    profiles: list[ProfileObject] | UnsetType = UNSET
    error: Annotated[str | UnsetType, Meta(description="Why it failed, for people.")] = UNSET
    reason: Annotated[Why | UnsetType, Meta(description="Why, for programs.")] = UNSET
    finished_at: datetime | UnsetType = UNSET


class LoginList(msgspec.Struct, frozen=True):
    """The sign-ins of this process; `pending` counts those that go on."""

    logins: list[LoginObject]
    total: int
    pending: int


class LoginQuery(msgspec.Struct, frozen=True):
    """Which sign-ins."""

    account: AccountName | None = None
    status: Status | Literal["all"] = "pending"


async def start(call: Call) -> LoginObject:
    """POST /admin/kiro/login: begin a sign-in at Kiro's page."""
    order = await call.body(PortalOrder)
    query = call.query(AccountQuery)
    named = order.account or order.provider or query.account or query.provider
    account = await chosen_account(call, named)
    login = await call.services.logins.start_portal(account, port=order.port)
    return shown(call.services, login)


async def start_device(call: Call) -> LoginObject:
    """POST /admin/kiro/device-login: begin a sign-in with a code to confirm."""
    order = await call.body(DeviceOrder)
    query = call.query(AccountQuery)
    named = order.account or order.provider or query.account or query.provider
    account = await chosen_account(call, named)
    method = _METHODS.get(re.sub(r"[^a-z]", "", order.method.lower()))
    if method is None:
        raise InvalidRequest(
            "method: unsupported device login method; use organization or builder_id."
        )
    start_url = (order.start_url or "").strip() or None
    if method == "organization" and start_url is None:
        raise InvalidRequest("start_url is required: the start URL of the organisation.")
    login = await call.services.logins.start_device(
        account,
        start_url=start_url if method == "organization" else None,
        region=order.idc_region or account.auth_region,
    )
    return shown(call.services, login)


async def status(call: Call) -> LoginObject:
    """GET /admin/kiro/login/{id}: where a sign-in stands."""
    return shown(call.services, call.services.logins.get(call.variables["id"]))


async def cancel(call: Call) -> LoginObject:
    """DELETE /admin/kiro/login/{id}: give it up; nothing is changed then."""
    login = call.services.logins.get(call.variables["id"])
    call.services.logins.cancel(login)
    return shown(call.services, login)


async def callback(call: Call) -> LoginObject:
    """POST /admin/kiro/login/{id}/callback: the address that the browser could not open."""
    order = await call.body(CallbackOrder)
    login = call.services.logins.get(call.variables["id"])
    await login.offer(read_address(order.url))
    return shown(call.services, login)


async def choose_profile(call: Call) -> LoginObject:
    """POST /admin/kiro/login/{id}/profile: choose one of the profiles that are offered."""
    order = await call.body(ProfileChoice)
    login = call.services.logins.get(call.variables["id"])
    await login.offer(order.profile)
    return shown(call.services, login)


async def complete(call: Call) -> LoginObject:
    """POST /admin/kiro/login/complete/{id}: does nothing; for programs that think it is needed."""
    return shown(call.services, call.services.logins.get(call.variables["id"]))


async def list_all(call: Call) -> LoginList:
    """GET /admin/kiro/logins: the sign-ins that are going on."""
    query = call.query(LoginQuery)
    every = call.services.logins.all()
    account = None
    if query.account is not None:
        account = await chosen_account(call, query.account)
    found = [
        shown(call.services, login)
        for login in every
        if query.status in {"all", login.status}
        and (account is None or login.account_id == account.id)
    ]
    return LoginList(found, len(found), sum(login.status == "pending" for login in every))


def shown(services: Services, login: Login) -> LoginObject:
    """A sign-in as it stands now, under the present name of its account."""
    account = services.directory.account(login.account_id)
    name = account.name if account is not None else login.account_id
    failed = login.status in {"error", "expired"}
    pending = login.status == "pending"
    return LoginObject(
        id=login.id,
        account=name,
        provider=name,
        method=login.method,
        status=login.status,
        message=login.message,
        created_at=login.created_at,
        expires_at=login.expires_at,
        step=login.step if pending else UNSET,
        auth_url=login.auth_url or UNSET,
        port=login.port if pending and login.port is not None else UNSET,
        user_code=login.user_code or UNSET,
        verification_uri=login.verification_uri or UNSET,
        verification_uri_complete=login.verification_uri_complete or UNSET,
        interval=login.interval if login.interval is not None else UNSET,
        provider_url=login.provider_url or UNSET,
        profiles=[
            ProfileObject(
                profile.arn, profile.name, profile.region, profile.arn == login.current_profile
            )
            for profile in login.profiles
        ]
        or UNSET,
        error=login.message if failed else UNSET,
        reason=login.why or UNSET,
        finished_at=login.finished_at or UNSET,
    )
