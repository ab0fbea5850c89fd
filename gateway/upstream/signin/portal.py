"""Kiro's sign-in page, and redeeming the code that Google's and GitHub's users come back with."""

from dataclasses import replace
from datetime import datetime
from urllib.parse import quote, urlencode

import httpx

from gateway.store.accounts import DEFAULT_REGION
from gateway.upstream.signin.answers import ask, check_clock, json_request
from gateway.upstream.signin.callback import Callback
from gateway.upstream.signin.issued import SignedIn, SignInFailed, issued_tokens
from gateway.upstream.signin.pkce import Pkce

PORTS = (3128, 4649, 6588, 8008, 9091, 49153, 50153, 51153, 52153, 53153)
"""The ports that the page is known to send browsers back to, in the order they are tried."""

FROM = "KiroIDE"  # without a name it knows, the page sends nobody back


def sign_in_address(portal_url: str, *, state: str, pkce: Pkce, port: int) -> str:
    """The page to open in a browser.

    Args:
        portal_url: `upstream.portal_url`.
        state: what the answer must bring back.
        pkce: the pair; only its challenge goes along.
        port: where on the browser's machine it comes back to.
    """
    members = {
        "state": state,
        "code_challenge": pkce.challenge,
        "code_challenge_method": "S256",
        "redirect_uri": f"http://localhost:{port}",
        "redirect_from": FROM,
    }
    base = portal_url.replace("{region}", DEFAULT_REGION).rstrip("/")
    return f"{base}/signin?{urlencode(members, quote_via=quote)}"


async def redeem_code(
    http: httpx.AsyncClient,
    auth_url: str,
    callback: Callback,
    *,
    pkce: Pkce,
    port: int,
    now: datetime,
) -> SignedIn:
    """Exchange a code for tokens; once, as no code is good for twice.

    Args:
        http: the client to ask with.
        auth_url: `upstream.auth_url`.
        callback: what the browser came back with.
        pkce: the pair whose challenge was sent.
        port: the port that was named.
        now: the moment of asking, from which the expiry counts.

    Raises:
        SignInFailed: the code is refused, or the answer holds no usable tokens.
        UpstreamError: there is no answer.
    """
    # Not what the page was told: it has added its path and the choice made there.
    redirect_uri = f"http://localhost:{port}{callback.path}"
    if callback.login_option:
        redirect_uri += f"?login_option={callback.login_option}"
    body = {
        "code": callback.code,
        "code_verifier": pkce.verifier,
        "redirect_uri": redirect_uri,
    }
    url = auth_url.replace("{region}", DEFAULT_REGION).rstrip("/") + "/oauth/token"
    answer = await ask(http, json_request(http, url, body))
    check_clock(answer.headers.get("date"), now)
    if answer.status != 200:
        raise SignInFailed(
            f"Kiro's sign-in service did not accept the code (status {answer.status}). A code is "
            "good once and for a short time. Start the sign-in again.",
            why="code_refused",
            upstream_status=answer.status,
        )
    # It is this service, in this region, that will renew them.
    return replace(issued_tokens(answer, now=now), auth_region=DEFAULT_REGION)
