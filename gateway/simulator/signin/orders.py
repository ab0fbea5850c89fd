"""The part of the control API that is about signing in."""

import msgspec
from starlette.requests import Request

from gateway.simulator.accounts import Subscription
from gateway.simulator.orders import BadOrder, order_route, question_route
from gateway.simulator.signin.devices import Decision, Device, Verdict
from gateway.simulator.signin.faults import ErrorSpelling
from gateway.simulator.signin.people import METHODS, Way, WrongPerson
from gateway.simulator.signin.scripts import CallbackPath, Page, Script
from gateway.simulator.state import Simulator


class SignInOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/sign-in`: how the next visits to a page end. `times` null: until reset."""

    page: Page = "portal"
    times: int | None = 1
    way: Way = "google"
    account: str | None = None
    error: str | None = None
    error_description: str | None = None
    path: CallbackPath | None = None
    camel: bool = False
    query: dict[str, str | None] = {}


class PersonOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /_sim/people`: somebody who can sign in, but has not yet."""

    way: Way
    name: str | None = None
    subscription: Subscription | None = None


class DeviceOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/device`: what becomes of one device authorization, or of the next ones."""

    decision: Decision
    user_code: str | None = None
    account: str | None = None
    times: int | None = 1


class OidcOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/oidc`; null: as before."""

    error_spelling: ErrorSpelling | None = None
    interval_seconds: int | None = None
    device_seconds: int | None = None
    registration_seconds: int | None = None
    enforce_interval: bool | None = None


class RegistrationOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /_sim/expire-registrations`; null: all of them."""

    client_id: str | None = None


def script_sign_in(simulator: Simulator, order: SignInOrder) -> object:
    """Let a page end as ordered, without anybody pressing a button."""
    known = simulator.desk.accounts.get(order.account or "")
    if order.page == "portal" and known and known.auth_method != METHODS[order.way]:
        raise BadOrder(f"{known.name} signs in by {known.auth_method}, not by {order.way}")
    simulator.scripts.add(
        Script(
            page=order.page,
            left=order.times,
            way=order.way,
            account=order.account,
            error=order.error,
            error_description=order.error_description,
            path=order.path,
            camel=order.camel,
            query=order.query,
        )
    )
    return {"page": order.page, "times": order.times}


def add_person(simulator: Simulator, order: PersonOrder) -> object:
    """Know somebody before they sign in, so that they can have profiles and a quota already."""
    if order.name in simulator.desk.accounts:
        raise BadOrder(f"there is somebody called {order.name!r} already")
    try:
        person = simulator.people.get(order.way, order.name, order.subscription)
    except WrongPerson as exc:
        raise BadOrder(str(exc)) from None
    return {
        "name": person.name,
        "auth_method": person.auth_method,
        "profile_arn": person.profile_arn,
        "subscription": person.subscription,
    }


def decide_device(simulator: Simulator, order: DeviceOrder) -> object:
    """Decide about the authorization that is named, or about the next ones as they begin."""
    devices = simulator.devices
    if order.account is not None:
        known = simulator.desk.accounts.get(order.account)
        if known is not None and known.auth_method not in {"builder_id", "idc"}:
            raise BadOrder(f"{known.name} signs in by {known.auth_method}, not with a device")
    if order.user_code is None:
        devices.await_next(Verdict(order.decision, order.account, order.times))
        return {"decision": order.decision, "times": order.times}
    device = devices.by_user_code(order.user_code)
    if device is None:
        raise BadOrder(f"no user code {order.user_code!r}; GET /_sim/devices lists them")
    try:
        devices.decide(device, order.decision, order.account)
    except WrongPerson as exc:
        raise BadOrder(str(exc)) from None
    return _device(simulator, device)


async def show_devices(simulator: Simulator, _request: Request) -> object:
    """Every device authorization since the last reset, oldest first."""
    return {"devices": [_device(simulator, device) for device in simulator.devices.all]}


def _device(simulator: Simulator, device: Device) -> dict[str, object]:
    return {
        "user_code": device.user_code,
        "client_name": device.client_name,
        "start_url": device.start_url,
        "state": simulator.devices.state_of(device),
        "account": device.account.name if device.account else None,
        "interval_seconds": device.interval,
        "polls": device.polls,
        "expires_at": device.expires_at,
    }


def set_oidc(simulator: Simulator, order: OidcOrder) -> object:
    """Set what the OIDC service tells programs from now on."""
    devices, registrations = simulator.devices, simulator.registrations
    for seconds in (order.interval_seconds, order.device_seconds, order.registration_seconds):
        if seconds is not None and seconds < 0:
            raise BadOrder("seconds are 0 or more")
    if order.error_spelling is not None:
        simulator.error_spelling = order.error_spelling
    if order.interval_seconds is not None:
        devices.interval = order.interval_seconds
    if order.device_seconds is not None:
        devices.lifetime = order.device_seconds
    if order.registration_seconds is not None:
        registrations.lifetime = order.registration_seconds
    if order.enforce_interval is not None:
        devices.strict = order.enforce_interval
    return {
        "error_spelling": simulator.error_spelling,
        "interval_seconds": devices.interval,
        "device_seconds": devices.lifetime,
        "registration_seconds": registrations.lifetime,
        "enforce_interval": devices.strict,
    }


def expire_registrations(simulator: Simulator, order: RegistrationOrder) -> object:
    """End client registrations before their time."""
    return {"expired": simulator.registrations.expire(order.client_id)}


SIGN_IN_ORDERS = [
    order_route("/_sim/people", "POST", PersonOrder, add_person),
    order_route("/_sim/device", "PUT", DeviceOrder, decide_device),
    question_route("/_sim/devices", show_devices),
    order_route("/_sim/oidc", "PUT", OidcOrder, set_oidc),
    order_route("/_sim/expire-registrations", "POST", RegistrationOrder, expire_registrations),
    order_route("/_sim/sign-in", "PUT", SignInOrder, script_sign_in),
]
