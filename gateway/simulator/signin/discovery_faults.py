"""Discovery documents that nobody should follow."""

from collections.abc import Iterator

from gateway.simulator.refusals import Refusal
from gateway.simulator.scenario import Alter, Operation, Scenario
from gateway.simulator.strict_json import JsonObject

_DISCOVERY: frozenset[Operation] = frozenset({"discovery"})
_HUGE = 5 * 1024 * 1024


def _endpoints(base: str) -> Alter:
    def alter(document: JsonObject) -> JsonObject:
        return {
            **document,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
        }

    return alter


def _token_endpoint(address: str) -> Alter:
    return lambda document: {**document, "token_endpoint": address}


def _issuer(document: JsonObject) -> JsonObject:
    return {**document, "issuer": "https://login.foreign.example/tenant"}


def _incomplete(document: JsonObject) -> JsonObject:
    return {name: value for name, value in document.items() if name != "token_endpoint"}


def _huge(document: JsonObject) -> JsonObject:
    return {"padding": "x" * _HUGE, **document}


def _moved(location: str) -> Refusal:
    return Refusal(302, headers=(("Location", location),), content_type="")


_ALTERED: tuple[tuple[str, str, Alter], ...] = (
    (
        "discovery-foreign",
        "Both endpoints live at a domain that is not the issuer's.",
        _endpoints("https://login.foreign.example"),
    ),
    (
        "discovery-foreign-token",
        "Only the token endpoint lives at a foreign domain.",
        _token_endpoint("https://collector.foreign.example/token"),
    ),
    ("discovery-http", "Endpoints without TLS.", _endpoints("http://login.example.com")),
    ("discovery-private", "Endpoints at a private address.", _endpoints("https://10.0.0.1")),
    (
        "discovery-metadata",
        "Endpoints at the address that cloud machines ask about themselves.",
        _endpoints("http://169.254.169.254/latest"),
    ),
    ("discovery-file", "Endpoints that are files.", _endpoints("file:///etc")),
    (
        "discovery-userinfo",
        "Endpoints that hide their host behind a user name.",
        _endpoints("https://login.example.com@10.0.0.1"),
    ),
    ("discovery-issuer", "The document of another issuer.", _issuer),
    ("discovery-incomplete", "No token endpoint.", _incomplete),
    ("discovery-huge", "A whole document of five megabytes.", _huge),
)
_ANSWERED: tuple[tuple[str, str, Refusal], ...] = (
    (
        "discovery-no-json",
        "200 with an HTML body",
        Refusal(200, b"<html><body>Welcome</body></html>", content_type="text/html"),
    ),
    (
        "discovery-list",
        "200 with a JSON list",
        Refusal(200, b"[]", content_type="application/json"),
    ),
    (
        "discovery-redirect-private",
        "302 to a private address",
        _moved("http://10.0.0.1/.well-known/openid-configuration"),
    ),
    (
        "discovery-redirect-metadata",
        "302 to the address that cloud machines ask about themselves",
        _moved("http://169.254.169.254/latest/meta-data/"),
    ),
    ("discovery-redirect-loop", "302 to itself", _moved("openid-configuration")),
)


def discovery_faults() -> Iterator[Scenario]:
    """Every scenario of this kind."""
    for name, summary, alter in _ALTERED:
        yield Scenario(name, summary, _DISCOVERY, alter=alter)
    for name, summary, refusal in _ANSWERED:
        yield Scenario(name, summary, _DISCOVERY, refusal=refusal)
