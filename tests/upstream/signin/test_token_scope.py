import base64
import json

import pytest

from gateway.upstream.signin.token_scope import scope_of


def jwt(payload: object) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"e30.{middle}.c2ln"


@pytest.mark.parametrize("audience", ["api://1111", ["api://1111", "api://2222"]])
def test_scopes_are_asked_back_in_their_audiences_form(audience: object) -> None:
    token = jwt({"aud": audience, "scp": "q:conversations  q:completions", "exp": 1})
    assert scope_of(token) == ("api://1111/q:conversations api://1111/q:completions offline_access")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.!!!.c",
        "a.YQ.c",
        jwt({"aud": "api://1"}),
        jwt({"scp": "a"}),
        jwt({"aud": [], "scp": "a"}),
        jwt({"aud": "api://1", "scp": " "}),
        jwt({"aud": 5, "scp": "a"}),
        jwt(["aud"]),
    ],
)
def test_a_token_that_does_not_tell_gives_no_scope(token: str) -> None:
    assert scope_of(token) is None
