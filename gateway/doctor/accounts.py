"""Each account: whether its token, profile and quota are good, and if wanted, a live question."""

import math
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

from gateway.accounts.access import AccountAccess
from gateway.accounts.health_states import Health
from gateway.accounts.profiles import misses_profile
from gateway.accounts.selection import how_to_sign_in
from gateway.doctor.findings import Finding, Status
from gateway.errors import GatewayError
from gateway.kiro.quota import Quota
from gateway.relay.facts import Facts
from gateway.relay.relay import Relay
from gateway.relay.trial import ask_briefly, cheapest
from gateway.settings import Settings
from gateway.store.accounts import Account
from gateway.upstream.client import api_region

NEARLY = 90.0  # percent of a quota
SOON = timedelta(days=7)  # before a client registration ends


async def check_account(
    account: Account, access: AccountAccess, settings: Settings, *, live: bool
) -> AsyncGenerator[Finding, None]:
    """Look at one account; what follows from something that failed is not looked at."""
    name = account.name
    if (stored := access.health.of(account)).state == "suspended":
        # Asking on would not help it.
        yield _standing(account, stored)
        return
    if not account.enabled:
        yield Finding("account", "skipped", "It is disabled.", name)
        return
    if account.credentials is None:
        yield Finding(
            "account",
            "problem",
            "Nobody is signed in.",
            name,
            mend=how_to_sign_in(name),
        )
        return
    try:
        account = await access.tokens.get(account.id)
    except GatewayError as exc:
        yield Finding("account", "problem", str(exc), f"{name}, token")
        return
    quota: Quota | GatewayError
    try:
        if misses_profile(account):
            account = await access.profiles.discover(account)
        quota = (await access.quotas.get(account.id, renew=True)).value
    except GatewayError as exc:
        quota = exc
        health = access.health.of(account)
        refused = any(one.kind == "sign_in" for one in health.cooldowns)
        if refused or health.state == "sign_in_required":
            # Whatever was asked, it is the token that was refused.
            yield Finding("account", "problem", str(exc), f"{name}, token")
            return
    for finding in (_token(account), _registration(account)):
        if finding is not None:
            yield finding
    if misses_profile(account):
        yield Finding("account", "problem", str(quota), f"{name}, profile")
        return
    yield _profile(account)
    exhausted = False
    if isinstance(quota, GatewayError):
        yield Finding("account", "problem", str(quota), f"{name}, quota")
    else:
        exhausted = quota.is_exhausted
        yield _quota(account, quota)
    try:
        models = (await access.models.get(account.id, renew=True)).value
    except GatewayError as exc:
        yield Finding("account", "problem", str(exc), f"{name}, models")
        return
    if not models:
        yield Finding(
            "account",
            "problem",
            "It may use no model.",
            f"{name}, models",
            mend="Look at its subscription, and at its API region.",
        )
        return
    yield Finding(
        "account",
        "ok",
        f"It may use {len(models)} models.",
        f"{name}, models",
        facts={"models": [model.id for model in models]},
    )
    told = exhausted
    if live:
        finding = await _live(account, cheapest(models), access, settings)
        yield finding
        told = told or finding.status == "problem"
    health = access.health.of(account)
    if health.reason is not None and not told:
        yield _standing(account, health)


def _token(account: Account) -> Finding:
    subject = f"{account.name}, token"
    credentials = account.credentials
    assert credentials is not None
    facts: dict[str, object] = {"auth_method": account.auth_method}
    if account.auth_method == "api_key":
        return Finding("account", "ok", "It has an API key, which does not end.", subject)
    ends_at = credentials.expires_at
    facts["expires_at"] = ends_at
    left = _minutes(ends_at - datetime.now(UTC)) if ends_at else "an unknown time"
    if not credentials.refresh_token:
        return Finding(
            "account",
            "warning",
            f"It is good for {left}, and cannot be renewed then.",
            subject,
            mend="Sign in again in a way that brings a refresh token.",
            facts=facts,
        )
    return Finding(
        "account", "ok", f"It is good for {left} and renewed by itself.", subject, facts=facts
    )


def _registration(account: Account) -> Finding | None:
    """AWS forgets clients after some months, and their refresh tokens with them."""
    ends_at = account.credentials.client_expires_at if account.credentials else None
    if ends_at is None or account.auth_method not in {"builder_id", "idc"}:
        return None
    left = ends_at - datetime.now(UTC)
    if left > SOON:
        return None
    over = left <= timedelta(0)
    return Finding(
        "account",
        "warning",
        f"Its registration {'ended' if over else 'ends'} on {ends_at:%Y-%m-%d}, and tokens cannot "
        "be renewed after that.",
        f"{account.name}, sign-in",
        mend="Sign the account in again; that registers anew.",
    )


def _profile(account: Account) -> Finding:
    region = api_region(account)
    source = "as its profile says"
    if account.api_region:
        source = "as its own setting says"
    elif not account.profile_arn:
        source = "as it has no profile"
    return Finding(
        "account",
        "ok",
        f"It is served in {region}, {source}.",
        f"{account.name}, profile",
        facts={"profile_arn": account.profile_arn, "api_region": region},
    )


def _quota(account: Account, quota: Quota) -> Finding:
    subject = f"{account.name}, quota"
    total = quota.total
    facts: dict[str, object] = {
        "plan": quota.subscription_title,
        "used": total.used,
        "limit": total.limit,
        "exhausted": quota.is_exhausted,
        "resets_at": quota.resets_at,
    }
    plan = quota.subscription_title or "its plan"
    resets = f" It begins anew on {quota.resets_at:%Y-%m-%d}." if quota.resets_at else ""
    if not quota.known:
        return Finding(
            "account", "ok", f"{plan}; the service tells no amounts.", subject, facts=facts
        )
    says = f"{plan}: {total.used:,.2f} of {total.limit:,.0f} used, {total.percent_used:.1f} %."
    status: Status = "ok"
    mend = None
    if quota.is_exhausted:
        status = "problem"
        says += resets
        mend = "Use another account until then, or allow overage in its subscription."
    elif total.percent_used >= NEARLY:
        status = "warning"
        says += resets
        mend = "Keep another account ready."
    return Finding("account", status, says, subject, mend=mend, facts=facts)


async def _live(account: Account, model: str, access: AccountAccess, settings: Settings) -> Finding:
    subject = f"{account.name}, live"
    relay = Relay(
        access.tokens,
        access.models,
        access.service,
        settings.defaults,
        access.health,
        repair_profile=access.profiles.repair,
    )
    trial = await ask_briefly(relay, account.id, model, Facts(request_id="doctor"))
    if trial.error is not None:
        return Finding("account", "problem", str(trial.error), subject)
    usage = trial.facts.usage
    charged = usage.credits if usage else None
    cost = f" It cost {charged:.4f} credits." if charged else ""
    return Finding(
        "account",
        "ok",
        f"{trial.facts.model_served} answered in {trial.seconds:.1f} s.{cost}",
        subject,
        facts={"model": trial.facts.model_served, "seconds": trial.seconds, "credits": charged},
    )


def _standing(account: Account, health: Health) -> Finding:
    """What keeps it from serving beside all that, as the gateway has found out while serving."""
    until = f" That passes on {health.until:%Y-%m-%d %H:%M} UTC." if health.until else ""
    return Finding(
        "account",
        "warning" if health.healthy else "problem",
        f"{health.reason}{until}",
        f"{account.name}, state",
        mend=health.advice or "Wait, or use another account meanwhile.",
        facts={"state": health.state, "since": health.since, "until": health.until},
    )


def _minutes(left: timedelta) -> str:
    minutes = max(0, math.floor(left.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} minutes"
    if minutes < 72 * 60:
        return f"{minutes // 60} hours"
    return f"{minutes // 1440} days"
