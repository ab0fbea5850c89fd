"""The part of the control API that is about accounts: tokens, credits, profiles."""

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request

from gateway.simulator.accounts import DemoAccount, arn, profile_id
from gateway.simulator.orders import BadOrder, known_account, order_route, question_route
from gateway.simulator.profiles import WITH_PROFILES, Profile, ProfileStatus
from gateway.simulator.quota import Overage, Pot, Status
from gateway.simulator.region import API_REGIONS
from gateway.simulator.state import Simulator


class ExpireOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /_sim/expire-tokens`. `lifetime_seconds`: of the tokens issued from now on."""

    account: str | None = None
    lifetime_seconds: int | None = None


class CreditsOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/credits`: what an account has used, in the order in which it is paid."""

    account: str
    used: float


class PotOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Credits of one kind."""

    limit: float
    used: float = 0.0
    status: Status = "ACTIVE"


class QuotaOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/quota`; what is left out stays as it is."""

    account: str
    plan: PotOrder | UnsetType = UNSET
    trial: PotOrder | UnsetType | None = UNSET
    bonuses: list[PotOrder] | UnsetType = UNSET
    overage: Overage | UnsetType = UNSET
    overage_cap: float | UnsetType = UNSET
    overages: float | UnsetType = UNSET
    resets_in_seconds: float | UnsetType = UNSET


class ProfileOrder(msgspec.Struct, forbid_unknown_fields=True):
    """One profile; `id` is the end of its ARN, made up when null."""

    region: str
    name: str
    id: str | None = None
    status: ProfileStatus = "ACTIVE"


class ProfilesOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/profiles`: all profiles of an account."""

    account: str
    profiles: list[ProfileOrder]


def expire_tokens(simulator: Simulator, order: ExpireOrder) -> object:
    """End access tokens, and set how long the next ones live."""
    known_account(simulator, order.account)
    if order.lifetime_seconds is not None:
        simulator.desk.lifetime = order.lifetime_seconds
    return {"expired": simulator.desk.expire(order.account)}


def set_credits(simulator: Simulator, order: CreditsOrder) -> object:
    """Set what an account has used."""
    simulator.ledgers.of(_account(simulator, order.account)).set_used(order.used)
    return {"account": order.account, "used": order.used}


def set_quota(simulator: Simulator, order: QuotaOrder) -> object:
    """Change what an account may spend, and has spent, of each kind of credits."""
    ledger = simulator.ledgers.of(_account(simulator, order.account))
    given = [one for one in (order.plan, order.trial) if isinstance(one, PotOrder)]
    given += order.bonuses if order.bonuses is not UNSET else []
    numbers = [order.overage_cap, order.overages, order.resets_in_seconds]
    numbers += [number for one in given for number in (one.limit, one.used)]
    if any(number is not UNSET and number < 0 for number in numbers):
        raise BadOrder("credits and seconds are 0 or more")
    if order.plan is not UNSET:
        ledger.plan = _pot(order.plan)
    if order.trial is not UNSET:
        ledger.trial = _pot(order.trial) if order.trial else None
    if order.bonuses is not UNSET:
        ledger.bonuses = [_pot(one) for one in order.bonuses]
    if order.overage is not UNSET:
        ledger.overage = order.overage
    if order.overage_cap is not UNSET:
        ledger.overage_cap = order.overage_cap
    if order.overages is not UNSET:
        ledger.overages = order.overages
    if order.resets_in_seconds is not UNSET:
        ledger.resets_at = simulator.clock() + order.resets_in_seconds
    return {"account": order.account, "used": ledger.used, "resets_at": ledger.resets_at}


def _pot(order: PotOrder) -> Pot:
    return Pot(order.limit, order.used, order.status)


def _account(simulator: Simulator, name: str) -> DemoAccount:
    known_account(simulator, name)
    return simulator.desk.accounts[name]


def set_profiles(simulator: Simulator, order: ProfilesOrder) -> object:
    """Let an account have these profiles and no others."""
    account = _account(simulator, order.account)
    if account.auth_method not in WITH_PROFILES:
        raise BadOrder(f"{account.name} signs in by {account.auth_method} and has no profiles")
    if unknown := {one.region for one in order.profiles} - API_REGIONS:
        raise BadOrder(f"{min(unknown)} is none of {', '.join(sorted(API_REGIONS))}")
    profiles = [
        Profile(
            arn(one.region, one.id or profile_id(f"{account.name} {one.name}")),
            one.name,
            one.status,
        )
        for one in order.profiles
    ]
    simulator.profiles.give(account, profiles)
    return {"account": account.name, "profile_arns": [profile.arn for profile in profiles]}


async def show_accounts(simulator: Simulator, _request: Request) -> object:
    """The sign-ins, without their tokens: how often each was refreshed, and wrongly so."""
    desk = simulator.desk
    return {
        "accounts": [
            {
                "name": account.name,
                "auth_method": account.auth_method,
                "profile_arn": account.profile_arn,
                "profile_arns": [one.arn for one in simulator.profiles.of(account)],
                "subscription": account.subscription,
                "refreshes": desk.refreshes[account.name],
                "reuses": desk.reuses[account.name],
                "credits": simulator.ledgers.of(account).used,
            }
            for account in desk.accounts.values()
        ]
    }


ACCOUNT_ORDERS = [
    question_route("/_sim/accounts", show_accounts),
    order_route("/_sim/expire-tokens", "POST", ExpireOrder, expire_tokens),
    order_route("/_sim/credits", "PUT", CreditsOrder, set_credits),
    order_route("/_sim/quota", "PUT", QuotaOrder, set_quota),
    order_route("/_sim/profiles", "PUT", ProfilesOrder, set_profiles),
]
