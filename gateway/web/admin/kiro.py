"""/admin/kiro: what the service knows of an account, and its sign-in."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import anyio.to_thread
import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.accounts.access import refresh_urls
from gateway.accounts.health_states import Health
from gateway.errors import InvalidRequest
from gateway.kiro.models import Model
from gateway.settings.schema import UpstreamSettings
from gateway.store.accounts import Account, find_account, get_account, save_credentials
from gateway.upstream.endpoints import endpoints_of
from gateway.upstream.profiles import Profile
from gateway.upstream.signin.imported import Findings, Imported
from gateway.upstream.signin.local_import import choose, read_source
from gateway.web.admin.call import Call
from gateway.web.admin.documents import ModelObject, model_object
from gateway.web.quota_shapes import QuotaObject, quota_object

AccountName = Annotated[str, Meta(max_length=64, description="Name or id of the account.")]
Provider = Annotated[str, Meta(max_length=64, description="The same, by its older name.")]
Region = Annotated[str, Meta(max_length=32, description="Such as us-east-1, where it signs in.")]
Refresh = Annotated[bool, Meta(description="Ask the service, however fresh the last answer is.")]

PROGRAMS = {"kiro-cli": "kiro-cli", "ide": "Kiro IDE"}
DATABASE = "data.sqlite3"  # what kiro-cli calls its; the IDE has a JSON file


class AccountQuery(msgspec.Struct, frozen=True):
    """Which account; one of the two is required."""

    account: AccountName | None = None
    provider: Provider | None = None


class FreshQuery(msgspec.Struct, frozen=True):
    """Which account, and how fresh."""

    account: AccountName | None = None
    provider: Provider | None = None
    refresh: Refresh = False


class AccountChoice(msgspec.Struct, frozen=True):
    """Which account, unless the query says so."""

    account: AccountName | None = None
    provider: Provider | None = None


class ImportOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to take a sign-in from; by default wherever a usable one is found."""

    account: AccountName | None = None
    provider: Provider | None = None
    source: Literal["kiro-cli", "ide"] | None = None
    db_path: (
        Annotated[str, Meta(max_length=4096, description="One of the known places.")] | None
    ) = None


class KiroEndpoints(msgspec.Struct, frozen=True):
    """The addresses that are used for an account; `sign_in` renews its token, if it has one."""

    runtime: str
    management: str
    sign_in: str | None


class KiroStatus(msgspec.Struct, frozen=True):
    """How an account is signed in."""

    account: str
    provider: str
    has_login: bool
    has_current: Annotated[bool, Meta(description="Whether its token is valid now.")]
    profile_arn: str
    region: Annotated[str, Meta(description="Where it signs in.")]
    api_region: Annotated[str, Meta(description="Where it is served.")]
    api_region_from: Literal["override", "profile", "default"]
    endpoints: KiroEndpoints
    is_external_idp: bool
    auth_method: str | None
    healthy: bool
    health_reason: str | None
    expires_at: datetime | UnsetType = UNSET


class ImportResult(msgspec.Struct, frozen=True):
    """What was imported."""

    message: str
    account: str
    provider: str
    is_external_idp: bool
    has_refresh: bool
    profile_arn: str
    expires_at: datetime | UnsetType = UNSET


class LocalSignIn(msgspec.Struct, frozen=True):
    """A sign-in that could be imported; `renewable` ones do however long ago they expired."""

    auth_method: str
    expires_at: datetime | None
    renewable: bool


class LocalPlace(msgspec.Struct, frozen=True):
    """A file in which a program keeps its sign-ins, and what is in it now."""

    source: Literal["kiro-cli", "ide"]
    path: str
    exists: bool
    sign_ins: list[LocalSignIn]
    problems: Annotated[list[str], Meta(description="Why others there cannot be taken.")]


class LocalPlaces(msgspec.Struct, frozen=True):
    """The known places on the gateway's machine, in the order in which they are looked at."""

    places: list[LocalPlace]


class KiroModels(msgspec.Struct, frozen=True):
    """What the service lists for an account."""

    account: str
    provider: str
    models: list[ModelObject]
    total: int
    fetched_at: datetime


class ProfileObject(msgspec.Struct, frozen=True):
    """A profile that an account may use; `chosen` is the one that it does."""

    arn: str
    name: str
    region: str
    chosen: bool


class KiroProfiles(msgspec.Struct, frozen=True):
    """What the service lists for an account. `PUT /admin/accounts/{id}` chooses one."""

    account: str
    provider: str
    profiles: list[ProfileObject]
    total: int


async def status(call: Call) -> KiroStatus:
    """GET /admin/kiro/status: nothing is asked upstream."""
    query = call.query(AccountQuery)
    return _status(call, await chosen_account(call, query.account or query.provider))


async def refresh(call: Call) -> KiroStatus:
    """POST /admin/kiro/refresh: renew the token now, however long it would last."""
    choice = await call.body(AccountChoice)
    query = call.query(AccountQuery)
    named = choice.account or choice.provider or query.account or query.provider
    account = usable(await chosen_account(call, named))
    await call.services.directory.reload()
    account = await call.services.tokens.renew(account.id)
    return _status(call, account)


async def usage_limits(call: Call) -> QuotaObject:
    """GET /admin/kiro/usage-limits."""
    query = call.query(FreshQuery)
    account = usable(await chosen_account(call, query.account or query.provider))
    heard = await call.services.quotas.get(account.id, renew=query.refresh)
    # Asking may have found out the profile.
    account = call.services.directory.account(account.id) or account
    return quota_object(account, heard.value, heard.at)


async def models(call: Call) -> KiroModels:
    """GET /admin/kiro/models."""
    query = call.query(FreshQuery)
    account = usable(await chosen_account(call, query.account or query.provider))
    heard = await call.services.models.get(account.id, renew=query.refresh)
    return models_object(account, heard.value, heard.at)


async def profiles(call: Call) -> KiroProfiles:
    """GET /admin/kiro/profiles: asked of the service each time."""
    query = call.query(AccountQuery)
    account = usable(await chosen_account(call, query.account or query.provider))
    return profiles_object(account, await call.services.profiles.available(account.id))


async def local_places(call: Call) -> LocalPlaces:
    """GET /admin/kiro/import-local: what could be imported; nothing is, and no token is shown."""
    known = call.services.admin.local_places
    return LocalPlaces(await anyio.to_thread.run_sync(lambda: [_looked_at(it) for it in known]))


async def import_local(call: Call) -> ImportResult:
    """POST /admin/kiro/import-local: copy the sign-in of a program on the gateway's machine."""
    order = await call.body(ImportOrder)
    query = call.query(AccountQuery)
    named = order.account or order.provider or query.account or query.provider
    account = await chosen_account(call, named)
    places = _places(call.services.admin.local_places, order)
    found = await anyio.to_thread.run_sync(_best_sign_in, places, call.now)
    database = call.services.database
    async with database.begin() as db:
        await save_credentials(
            db,
            database.secrets,
            account.id,
            found.credentials,
            auth_method=found.auth_method,
            profile_arn=found.profile_arn,
            auth_region=found.auth_region,
            expected_generation=None,
            now=call.now,
        )
        account = await get_account(db, database.secrets, account.id)
    await call.services.directory.reload()
    call.services.models.forget(account.id)
    call.services.quotas.forget(account.id)
    call.services.health.begin_anew(account.id)
    return ImportResult(
        message=f"{PROGRAMS[found.source.kind]} token imported",
        account=account.name,
        provider=account.name,
        is_external_idp=found.auth_method == "external_idp",
        has_refresh=bool(found.credentials.refresh_token),
        profile_arn=found.profile_arn or "",
        expires_at=found.credentials.expires_at or UNSET,
    )


async def chosen_account(call: Call, named: str | None) -> Account:
    """The account that a request names.

    Raises:
        InvalidRequest: it names none, or none that there is.
    """
    if not named:
        raise InvalidRequest("account is required: the name or id of a Kiro account")
    database = call.services.database
    async with database.connect() as db:
        account = await find_account(db, database.secrets, named)
    if account is None:
        raise InvalidRequest(f'There is no Kiro account "{named}".')
    return account


def usable(account: Account) -> Account:
    """Pass an account on that can be asked about upstream.

    Raises:
        InvalidRequest: it is disabled or not signed in.
    """
    if not account.enabled:
        raise InvalidRequest(f'The account "{account.name}" is disabled. Enable it first.')
    if account.credentials is None:
        raise InvalidRequest(f'The account "{account.name}" is not signed in. Sign it in first.')
    return account


def _status(call: Call, account: Account) -> KiroStatus:
    health = call.services.health.of(account)
    return status_object(account, health, call.services.settings.upstream, call.now)


def profiles_object(account: Account, found: Sequence[Profile]) -> KiroProfiles:
    """Show the profiles of an account."""
    shown = [
        ProfileObject(one.arn, one.name, one.region, one.arn == account.profile_arn)
        for one in found
    ]
    return KiroProfiles(account.name, account.name, shown, len(shown))


def models_object(account: Account, found: Sequence[Model], fetched_at: datetime) -> KiroModels:
    """Show the models of an account."""
    shown = [model_object(model) for model in found]
    return KiroModels(account.name, account.name, shown, len(shown), fetched_at)


def status_object(
    account: Account, health: Health, upstream: UpstreamSettings, now: datetime
) -> KiroStatus:
    """Show how an account is signed in, and whether it can serve."""
    credentials = account.credentials
    endpoints = endpoints_of(account, upstream, refresh_urls(upstream))
    expires_at = credentials.expires_at if credentials else None
    return KiroStatus(
        account=account.name,
        provider=account.name,
        has_login=credentials is not None,
        has_current=credentials is not None
        and (bool(credentials.api_key) or (expires_at is not None and expires_at > now)),
        profile_arn=account.profile_arn or "",
        region=account.auth_region,
        api_region=endpoints.api_region,
        api_region_from=endpoints.api_region_from,
        endpoints=KiroEndpoints(endpoints.runtime, endpoints.management, endpoints.sign_in),
        is_external_idp=account.auth_method == "external_idp",
        auth_method=account.auth_method,
        healthy=health.healthy,
        health_reason=health.problem,
        expires_at=expires_at or UNSET,
    )


def _places(known: Sequence[Path], order: ImportOrder) -> list[Path]:
    """Where to look: nowhere but where the programs keep their sign-ins.

    Raises:
        InvalidRequest: a path is asked for that is no such place.
    """
    allowed = [place for place in known if order.source in {None, _program(place)}]
    if order.db_path is None:
        return allowed
    wanted = Path(order.db_path)
    if wanted not in allowed:
        raise InvalidRequest(
            "db_path: is none of the places where these programs keep their sign-ins: "
            + ", ".join(str(place) for place in allowed)
        )
    return [wanted]


def _program(place: Path) -> Literal["kiro-cli", "ide"]:
    return "kiro-cli" if place.name == DATABASE else "ide"


def _looked_at(place: Path) -> LocalPlace:
    findings = _findings(place)
    return LocalPlace(
        source=_program(place),
        path=str(place),
        exists=os.path.lexists(place),
        sign_ins=[
            LocalSignIn(
                auth_method=found.auth_method,
                expires_at=found.credentials.expires_at,
                renewable=bool(found.credentials.refresh_token),
            )
            for found in findings.found
        ],
        problems=findings.problems,
    )


def _findings(place: Path) -> Findings:
    if not os.path.lexists(place):
        return Findings()
    try:
        return read_source(place)
    except InvalidRequest as exc:
        return Findings(problems=[str(exc)])


def _best_sign_in(places: Sequence[Path], now: datetime) -> Imported:
    findings = Findings()
    for place in places:
        here = _findings(place)
        findings.found += here.found
        findings.problems += here.problems
    best = choose(findings.found, now)
    if best is None:
        looked = ", ".join(str(place) for place in places)
        raise InvalidRequest(
            " ".join([f"No usable sign-in was found. Looked at: {looked}.", *findings.problems])
        )
    return best
