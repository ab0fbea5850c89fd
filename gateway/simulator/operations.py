"""The operations of the runtime and management hosts."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.answers import make_answer
from gateway.simulator.catalogue import list_models
from gateway.simulator.delivery import FrameStream
from gateway.simulator.measure import input_tokens
from gateway.simulator.paging import Item, Page, page_of
from gateway.simulator.profiles import WITH_PROFILES
from gateway.simulator.prompt import Wish, read_wish
from gateway.simulator.quota import usage_limits
from gateway.simulator.refusals import (
    NOT_ENTITLED,
    PROFILE_INVALID,
    PROFILE_NEEDED,
    UNKNOWN_OPERATION,
    validation,
)
from gateway.simulator.rule import Refused, refused
from gateway.simulator.rules import examine
from gateway.simulator.scenario import USUAL
from gateway.simulator.scenarios import SCENARIOS, Armed
from gateway.simulator.service import (
    Asked,
    authenticate,
    check_content_type,
    check_target,
    endpoint,
)
from gateway.simulator.shapes import ORIGIN
from gateway.simulator.strict_json import Json, JsonObject, NotStrictJson, decode_object
from gateway.simulator.web_search import read_search, search_answer

_RPC = "application/x-amz-json-1.0"
_JSON = "application/json"
_GENERATE = "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"
_MODELS = "AmazonCodeWhispererService.ListAvailableModels"
_USAGE = "AmazonCodeWhispererService.GetUsageLimits"
_PROFILES = "AmazonCodeWhispererService.ListAvailableProfiles"
_RESOURCES = frozenset({"AGENTIC_REQUEST", "CREDIT", "SPEC", "VIBE"})
_LARGEST_PAGE = 100


async def generate(asked: Asked) -> Response:
    """GenerateAssistantResponse: a strict reader, and a stream of frames."""
    account = authenticate(asked)
    simulator = asked.simulator
    body = examine(asked.body, simulator.caller(account, asked.region))
    wish = read_wish(body)
    armed = _armed_for(asked, account, wish, body.current.content, body.current.model_id)
    if armed.scenario.refusal is not None:
        raise Refused([], armed.scenario.refusal)
    ledger = simulator.ledgers.of(account)
    if spent := ledger.refusal():
        raise Refused([], spent)
    answer = make_answer(
        body,
        wish,
        simulator.models(account)[body.current.model_id or ""],
        ids=asked.ids,
        signer=simulator.signer,
        tail=simulator.tail,
        cached_tokens=simulator.cached_tokens(body.conversation_id, input_tokens(body)),
    )
    ledger.spend(answer.accounting.credits)
    steps = armed.scenario.play(answer, armed.seconds)
    return FrameStream(steps, simulator.streams, asked.request_id)


def _armed_for(
    asked: Asked, account: DemoAccount, wish: Wish, text: str, model: str | None
) -> Armed:
    """The scenario of this request: the one its text names, else one that is armed, else none."""
    shelf = asked.simulator.shelf
    armed: Armed | None = None
    if wish.scenario is not None:
        if wish.scenario[0] not in SCENARIOS:
            wish.reply = f"There is no scenario called {wish.scenario[0]}."
        armed = shelf.take_asked_for(wish.scenario, text)
    armed = armed or shelf.take(
        "generate", account.name, text=text, region=asked.region, model=model
    )
    if armed is None:
        return Armed(USUAL)
    asked.entry.scenario = armed.scenario.name
    return armed


async def generate_by_path(asked: Asked) -> Response:
    """`POST /generateAssistantResponse`."""
    check_content_type(asked, _RPC, _JSON)
    check_target(asked, _GENERATE)
    return await generate(asked)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The members of a management call, from its body or its query."""

    origin: str | None
    resource: str | None
    profile_arn: str | None
    page_size: int | None
    page_token: str | None
    with_email: bool


async def models(asked: Asked) -> Response:
    """ListAvailableModels."""
    account = authenticate(asked)
    await asked.meet_scenario("models", account.name)
    known = {"origin", "maxResults", "nextToken", "profileArn", "modelProvider"}
    parameters = _parameters(asked, known)
    if parameters.origin is None:
        raise refused("origin", "origin", validation("origin is required."))
    _check_profile(asked, account, parameters, needed=False)
    known_models = [*asked.simulator.models(account).values()]
    return asked.json(list_models(_page(asked, known_models, parameters)))


async def usage(asked: Asked) -> Response:
    """GetUsageLimits."""
    account = authenticate(asked)
    await asked.meet_scenario("usage", account.name)
    known = {"origin", "resourceType", "profileArn", "isEmailRequired"}
    parameters = _parameters(asked, known)
    enterprise = account.auth_method in {"idc", "external_idp"}
    _check_profile(asked, account, parameters, needed=enterprise)
    ledger = asked.simulator.ledgers.of(account)
    return asked.json(usage_limits(account, ledger, with_email=parameters.with_email))


async def list_profiles(asked: Asked) -> Response:
    """ListAvailableProfiles; refused to kinds of accounts that never have one."""
    account = authenticate(asked)
    await asked.meet_scenario("profiles", account.name)
    parameters = _parameters(asked, {"maxResults", "nextToken"})
    if account.auth_method not in WITH_PROFILES:
        raise Refused([], NOT_ENTITLED)
    page = _page(asked, asked.simulator.profiles.of(account, asked.region), parameters)
    return asked.json(
        {
            "profiles": [profile.as_json() for profile in page.items],
            "nextToken": page.next_token,
        }
    )


def _page(asked: Asked, items: Sequence[Item], parameters: Parameters) -> Page[Item]:
    page = page_of(items, parameters.page_size, parameters.page_token, asked.scenario.name)
    if page is None:
        raise refused("next-token", "nextToken", validation("Invalid nextToken."))
    return page


async def web_search(asked: Asked) -> Response:
    """The MCP endpoint: `tools/call` of `web_search`."""
    check_content_type(asked, _JSON)
    account = authenticate(asked)
    header = asked.request.headers.get("x-amzn-kiro-profile-arn")
    arns = asked.simulator.profiles.arns(account, asked.region)
    if header is not None and header not in arns:
        raise refused("profile-matches", "x-amzn-kiro-profile-arn", PROFILE_INVALID)
    identity, query = read_search(asked.body, account, arns)
    await asked.meet_scenario("web-search", account.name)
    return asked.json(search_answer(identity, query, asked.simulator.clock()), _JSON)


def _parameters(asked: Asked, known: set[str]) -> Parameters:
    """Read the members of a call and check each.

    Raises:
        Refused: a member is unknown, or has a value that it cannot have.
    """
    if asked.request.method == "GET":
        given = _from_query(asked.request)
    else:
        try:
            given = decode_object(asked.body)
        except NotStrictJson as exc:
            raise refused(exc.rule, exc.where) from None
    if unknown := given.keys() - known:
        raise refused("unknown-member", min(unknown))
    allowed: dict[str, frozenset[str] | None] = {
        "origin": ORIGIN.values,
        "resourceType": _RESOURCES,
        "modelProvider": frozenset({"DEFAULT"}),
        "profileArn": None,
        "nextToken": None,
    }
    texts: dict[str, str | None] = {}
    for name, values in allowed.items():
        value = given.get(name)
        if name in given and (not isinstance(value, str) or not value):
            raise refused("wrong-type", name)
        if isinstance(value, str) and values is not None and value not in values:
            raise refused("unknown-value", name, validation(f"Invalid {name}."))
        texts[name] = value if isinstance(value, str) else None
    return Parameters(
        origin=texts["origin"],
        resource=texts["resourceType"],
        profile_arn=texts["profileArn"],
        page_size=_page_size(given),
        page_token=texts["nextToken"],
        with_email=_with_email(given),
    )


def _from_query(request: Request) -> JsonObject:
    """The query as JSON would have it: numbers and truth values converted."""
    converted: dict[str, Json] = {}
    for name, value in request.query_params.multi_items():
        if name in converted:
            raise refused("duplicate-key", name)
        if name == "maxResults" and value.isdecimal():
            converted[name] = int(value)
        elif name == "isEmailRequired" and value in {"true", "false"}:
            converted[name] = value == "true"
        else:
            converted[name] = value
    return converted


def _page_size(given: JsonObject) -> int | None:
    size = given.get("maxResults")
    if "maxResults" not in given:
        return None
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= _LARGEST_PAGE:
        raise refused("page-size", "maxResults", validation("Invalid maxResults."))
    return size


def _with_email(given: JsonObject) -> bool:
    wanted = given.get("isEmailRequired", False)
    if not isinstance(wanted, bool):
        raise refused("wrong-type", "isEmailRequired")
    return wanted


def _check_profile(
    asked: Asked, account: DemoAccount, parameters: Parameters, *, needed: bool
) -> None:
    if parameters.profile_arn is None and needed:
        raise refused("profile-needed", "profileArn", PROFILE_NEEDED)
    arns = asked.simulator.profiles.arns(account, asked.region)
    if parameters.profile_arn is not None and parameters.profile_arn not in arns:
        raise refused("profile-matches", "profileArn", PROFILE_INVALID)


_BY_TARGET = {
    _GENERATE: endpoint("generate", generate),
    _MODELS: endpoint("models", models),
    _USAGE: endpoint("usage", usage),
    _PROFILES: endpoint("profiles", list_profiles),
}


async def _unknown(asked: Asked) -> Response:
    target = asked.request.headers.get("x-amz-target", "")
    raise refused("target", target, UNKNOWN_OPERATION)


async def _wrong_type(asked: Asked) -> Response:
    raise refused("content-type", asked.request.headers.get("content-type", ""))


async def remote_call(request: Request) -> Response:
    """`POST /`: the operation is the one that `X-Amz-Target` names."""
    route = _BY_TARGET.get(request.headers.get("x-amz-target", ""), endpoint("generate", _unknown))
    if request.headers.get("content-type", "").partition(";")[0].strip() != _RPC:
        route = endpoint("generate", _wrong_type)
    return await route(request)


def _by_get(target: str, route: str) -> Route:
    async def answer(request: Request) -> Response:
        if request.headers.get("x-amz-target", target) != target:
            return await endpoint("generate", _unknown)(request)
        return await _BY_TARGET[target](request)

    return Route(route, answer, methods=["GET"])


OPERATION_ROUTES = [
    Route("/", remote_call, methods=["POST"]),
    Route("/generateAssistantResponse", endpoint("generate", generate_by_path), methods=["POST"]),
    _by_get(_MODELS, "/ListAvailableModels"),
    _by_get(_USAGE, "/getUsageLimits"),
    Route("/mcp", endpoint("web-search", web_search), methods=["POST"]),
]
