"""AWS's OIDC service: JSON with camelCase members, never a form."""

import re
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from starlette.responses import Response

from gateway.simulator.refusals import oauth_error
from gateway.simulator.rule import Refused, refused
from gateway.simulator.service import Asked
from gateway.simulator.signin.devices import Device
from gateway.simulator.signin.faults import DENIED, EXPIRED, PENDING, SLOW_DOWN, respelled
from gateway.simulator.signin.members import JSON, read_json, texts
from gateway.simulator.signin.people import (
    BUILDER_REGION,
    BUILDER_START_URL,
    ORGANISATION_REGION,
    ORGANISATION_START_URL,
    WrongPerson,
)
from gateway.simulator.signin.registrations import SCOPES, Registration
from gateway.simulator.signin.renewal import renew, wants_refresh_token
from gateway.simulator.strict_json import Json, JsonObject
from gateway.simulator.tokens import Grant

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_GRANT_MEMBERS = {
    DEVICE_CODE: "deviceCode",
    "refresh_token": "refreshToken",
    "authorization_code": "code",
}
_CLIENT = ("clientId", "clientSecret")
_REGIONS = {
    BUILDER_START_URL: BUILDER_REGION,
    ORGANISATION_START_URL: ORGANISATION_REGION,
}
_REDIRECT = re.compile(r"http://127\.0\.0\.1(:\d{1,5})?/[!-~]*")

_REQUEST_INVALID = oauth_error("invalid_request", "Invalid request provided")
_METADATA_INVALID = oauth_error("invalid_client_metadata", "Invalid client metadata provided")
_SCOPE_INVALID = oauth_error("invalid_scope", "Invalid scope provided")
_REDIRECT_INVALID = oauth_error("invalid_redirect_uri", "Invalid redirect URI provided")
_GRANT_TYPE_UNSUPPORTED = oauth_error("unsupported_grant_type", "Unsupported grant type")
_CODE_INVALID = oauth_error("invalid_grant", "Invalid authorization code provided")
_DEVICE_INVALID = oauth_error("invalid_grant", "Invalid device code provided")

Handler = Callable[[Asked], Awaitable[Response]]


def spelled(handle: Handler) -> Handler:
    """Let a handler's errors be spelled as the simulator was told to."""

    async def answer(asked: Asked) -> Response:
        try:
            return await handle(asked)
        except Refused as exc:
            refusal = respelled(exc.refusal, asked.simulator.error_spelling)
            raise Refused(exc.breaches, refusal) from None

    return answer


async def register(asked: Asked) -> Response:
    """`POST /client/register`."""
    given = read_json(asked, _REQUEST_INVALID)
    await asked.meet_scenario("register", None)
    lists = {
        name: _list(name, given.pop(name))
        for name in ("scopes", "grantTypes", "redirectUris")
        if name in given
    }
    named = texts(given, ("clientName", "clientType"), _REQUEST_INVALID, ("issuerUrl",))
    if named["clientType"] != "public":
        raise refused("client-type", named["clientType"], _METADATA_INVALID)
    if unknown := set(lists.get("scopes") or [""]) - SCOPES:
        raise refused("scope", min(unknown), _SCOPE_INVALID)
    if unknown := set(lists.get("grantTypes", ())) - _GRANT_MEMBERS.keys():
        raise refused("grant-type", min(unknown), _GRANT_TYPE_UNSUPPORTED)
    if "issuerUrl" in named:
        _check_start_url("issuerUrl", named["issuerUrl"], asked.region)
    if wrong := [uri for uri in lists.get("redirectUris", ()) if not _REDIRECT.fullmatch(uri)]:
        raise refused("redirect-uri", wrong[0], _REDIRECT_INVALID)
    registration = asked.simulator.registrations.add(
        named["clientName"],
        asked.region,
        lists["scopes"],
        grant_types=frozenset(lists["grantTypes"]) if "grantTypes" in lists else None,
        issuer_url=named.get("issuerUrl"),
        redirect_uris=tuple(lists.get("redirectUris", ())),
    )
    return asked.json(
        {
            "clientId": registration.client_id,
            "clientSecret": registration.client_secret,
            "clientIdIssuedAt": int(registration.issued_at),
            "clientSecretExpiresAt": int(registration.expires_at),
        },
        JSON,
    )


async def start_device(asked: Asked) -> Response:
    """`POST /device_authorization`."""
    needed = (*_CLIENT, "startUrl")
    given = texts(read_json(asked, _REQUEST_INVALID), needed, _REQUEST_INVALID)
    registration = _prove(asked, given, DEVICE_CODE)
    await asked.meet_scenario("device", None)
    start_url = _check_start_url("startUrl", given["startUrl"], asked.region)
    if registration.issuer_url not in (None, given["startUrl"]):
        raise refused("client-issuer", given["startUrl"], _REQUEST_INVALID)
    devices = asked.simulator.devices
    try:
        device = devices.start(asked.ids, registration.client_id, registration.name, start_url)
    except WrongPerson as exc:
        raise refused("person", str(exc), _REQUEST_INVALID) from None
    verification = f"{asked.base_url}/device"
    return asked.json(
        {
            "deviceCode": device.device_code,
            "userCode": device.user_code,
            "verificationUri": verification,
            "verificationUriComplete": f"{verification}?user_code={device.user_code}",
            "expiresIn": devices.lifetime,
            "interval": device.interval,
        },
        JSON,
    )


async def token(asked: Asked) -> Response:
    """`POST /token`: for a device code, an authorization code or a refresh token."""
    members = read_json(asked, _REQUEST_INVALID)
    kind = members.get("grantType")
    if not isinstance(kind, str) or not kind:
        raise refused("missing-member", "grantType", _REQUEST_INVALID)
    if kind not in _GRANT_MEMBERS:
        raise refused("grant-type", kind, _GRANT_TYPE_UNSUPPORTED)
    proof = ("redirectUri", "codeVerifier") if kind == "authorization_code" else ()
    needed = (*_CLIENT, "grantType", _GRANT_MEMBERS[kind], *proof)
    given = texts(members, needed, _REQUEST_INVALID)
    match kind:
        case "refresh_token":
            grant = await _refresh(asked, given)
        case "authorization_code":
            grant = await _redeem_code(asked, given)
        case _:
            grant = await _poll(asked, given)
    answer: JsonObject = {
        "accessToken": grant.access_token,
        "expiresIn": grant.expires_in,
        "tokenType": "Bearer",
    }
    if grant.refresh_token is not None:
        answer["refreshToken"] = grant.refresh_token
    return asked.json(answer, JSON)


async def _refresh(asked: Asked, given: dict[str, str]) -> Grant:
    client = _prove(asked, given, "refresh_token").client_id
    return await renew(asked, given["refreshToken"], {"builder_id", "idc"}, client)


async def _redeem_code(asked: Asked, given: dict[str, str]) -> Grant:
    asked.entry.operation = "exchange"
    registration = _prove(asked, given, "authorization_code")
    codes = asked.simulator.codes
    try:
        await asked.meet_scenario("exchange", codes.owner_of(given["code"]))
        authorization = codes.redeem(
            "oidc",
            given["code"],
            given["codeVerifier"],
            given["redirectUri"],
            registration.client_id,
        )
    except Refused as exc:
        raise Refused(exc.breaches, _CODE_INVALID if exc.breaches else exc.refusal) from None
    finally:
        codes.spend(given["code"])
    asked.entry.account = authorization.account.name
    grant = asked.simulator.desk.sign_in(
        authorization.account,
        registration.client_id,
        renewable=wants_refresh_token(asked),
        usable=registration.usable,
    )
    authorization.family = grant.family
    return grant


async def _poll(asked: Asked, given: dict[str, str]) -> Grant:
    asked.entry.operation = "poll"
    registration = _prove(asked, given, DEVICE_CODE)
    devices = asked.simulator.devices
    device = devices.by_device_code(given["deviceCode"])
    if device is None or device.client_id != registration.client_id:
        raise refused("device-code", "deviceCode", _DEVICE_INVALID)
    asked.entry.account = device.account.name if device.account else None
    if devices.comes_too_soon(device):
        device.slow_down()
        raise refused("poll-interval", f"now {device.interval} s", SLOW_DOWN)
    try:
        await asked.meet_scenario("poll", asked.entry.account)
    except Refused as exc:
        if exc.refusal == SLOW_DOWN:
            device.slow_down()
        raise
    return _granted(asked, registration, device)


def _granted(asked: Asked, registration: Registration, device: Device) -> Grant:
    match asked.simulator.devices.state_of(device):
        case "expired":
            raise Refused([], EXPIRED)
        case "denied":
            raise Refused([], DENIED)
        case "redeemed":
            raise refused("device-code-used", "deviceCode", _DEVICE_INVALID)
        case "approved" if device.account is not None:
            device.state = "redeemed"
            return asked.simulator.desk.sign_in(
                device.account,
                registration.client_id,
                renewable=wants_refresh_token(asked),
                usable=registration.usable,
            )
    raise Refused([], PENDING)


def _prove(asked: Asked, given: dict[str, str], grant_type: str) -> Registration:
    registrations = asked.simulator.registrations
    return registrations.prove(given["clientId"], given["clientSecret"], grant_type, asked.region)


def _check_start_url(name: str, url: str, region: str | None) -> str:
    """The start URL without a slash at its end.

    Raises:
        Refused: it is none, or belongs to another region.
    """
    parts = urlsplit(url)
    plain = parts.scheme == "https" and parts.hostname and parts.username is None
    if not plain or parts.fragment or parts.query:
        raise refused("start-url", f"{name}={url}", _REQUEST_INVALID)
    url = url.rstrip("/")
    if region is not None and _REGIONS.get(url, region) != region:
        raise refused("start-url-region", f"{url} in {region}", _REQUEST_INVALID)
    return url


def _list(name: str, value: Json) -> Collection[str]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise refused("wrong-type", name, _REQUEST_INVALID)
    return [str(one) for one in value]
