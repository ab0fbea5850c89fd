"""Answers the browsers that come back, and everybody else who asks at that port.

Every page of the web can make a browser ask here. So: only navigations count, only our own names in
`Host`, and whatever does not carry the state of a sign-in that waits for it changes nothing.
"""

from urllib.parse import parse_qs

import anyio
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import GatewayError
from gateway.logins.login import Login
from gateway.logins.logins import Logins
from gateway.upstream.signin.callback import CallbackRefused, read_address, read_query
from gateway.web.callback.pages import (
    POLICY,
    Language,
    language_of,
    login_page,
    missing_page,
    refused_page,
)

MAX_BODY = 16 * 1024  # bytes of a form
WAIT = 20.0  # seconds for which a page waits for news, less than proxies and browsers give up after
RELOAD = "1"  # seconds between two pages that wait

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

log = structlog.get_logger("gateway.web.callback")


def callback_app(logins: Logins, port: int) -> ASGIApp:
    """The application behind one port."""
    hosts = {f"{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]")}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await _answer(request, logins, hosts)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("callback page broke")
            response = Response("A defect of the gateway; its log says more.\n", 500)
        response.headers.update(HEADERS)
        await response(scope, receive, send)

    return app


async def _answer(request: Request, logins: Logins, hosts: set[str]) -> Response:
    language = language_of(request.headers.get("accept-language", ""))
    if request.headers.get("host", "").lower() not in hosts or not _is_navigation(request):
        return _html(missing_page(language), 403)
    page = request.url.path.removeprefix("/login/")
    if page != request.url.path:
        return await _login(request, logins, page, language)
    if request.method != "GET":
        return Response(status_code=405, headers={"allow": "GET"})
    if not request.url.query:
        return _html(missing_page(language), 404)
    try:
        callback = read_query(request.scope["query_string"].decode("latin-1"), path=_path(request))
        login = await logins.receive(callback)
    except GatewayError as exc:
        return _refusal(exc, language)
    return await _news(login, language)


async def _login(request: Request, logins: Logins, page: str, language: Language) -> Response:
    login = logins.with_page(page)
    if login is None:
        return _html(missing_page(language), 404)
    match request.method:
        case "GET":
            if request.query_params.get("step") == login.step:
                # Past the moment in which it is finished: then there may be nobody to ask any more.
                seen = {login.step, "finishing"}
                with anyio.move_on_after(WAIT):
                    await login.changed(lambda login: login.step not in seen)
            return _page(login, language)
        case "POST":
            return await _posted(request, login, language)
        case _:
            return Response(status_code=405, headers={"allow": "GET, POST"})


async def _posted(request: Request, login: Login, language: Language) -> Response:
    # Whoever knows the page's address was shown the page; a form of elsewhere could not name it.
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return _html(missing_page(language), 413)
    form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    try:
        if "profile" in form:
            await login.offer(form["profile"][0])
        else:
            await login.offer(read_address(form.get("address", [""])[0]))
    except GatewayError as exc:
        return _html(login_page(login, language, problem=exc), 400)
    return await _news(login, language)


async def _news(login: Login, language: Language) -> Response:
    """The page after something was taken: with the result, if that comes soon."""
    with anyio.move_on_after(WAIT):
        await login.changed(lambda login: login.step != "finishing")
    return _page(login, language)


def _page(login: Login, language: Language) -> Response:
    response = _html(login_page(login, language))
    if not login.is_over and login.step in {"device", "finishing"}:
        # The page then asks to be told of the next step, so it is there when the listener closes.
        response.headers["refresh"] = f"{RELOAD}; url=/login/{login.page}?step={login.step}"
    return response


def _refusal(problem: GatewayError, language: Language) -> Response:
    kind = problem.kind if isinstance(problem, CallbackRefused) else type(problem).__name__
    log.info("callback not taken", kind=kind)
    return _html(refused_page(problem, language), 400)


def _is_navigation(request: Request) -> bool:
    """Whether a person is on the way here, as far as the browser says; others say nothing."""
    headers = request.headers
    ahead = headers.get("sec-purpose") or headers.get("purpose") or headers.get("x-moz") or ""
    destination = headers.get("sec-fetch-dest", "document")
    return "prefetch" not in ahead and "prerender" not in ahead and destination == "document"


def _path(request: Request) -> str:
    """As the browser sent it: it becomes part of an address that is compared."""
    raw = request.scope.get("raw_path")
    return raw.decode("latin-1") if isinstance(raw, bytes) else str(request.url.path)


def _html(page: str, status: int = 200) -> Response:
    return Response(page, status, media_type="text/html")
