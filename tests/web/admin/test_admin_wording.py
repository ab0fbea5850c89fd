import msgspec
import pytest

from gateway.web.admin.accounts import NewAccount
from gateway.web.admin.keys import KeyChange, NewKey, Rotation
from gateway.web.admin.listing import ListQuery
from gateway.web.admin.requests import RequestQuery
from gateway.web.admin.wording import wrong_input

ACCOUNTS = {"kiro_accounts": ["a"]}


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (NewKey, {"kiro_accounts": []}, "name is required"),
        (NewKey, {"name": "n", **ACCOUNTS, "rpm": 3}, "rpm: there is no such member here"),
        (
            NewKey,
            {"name": "", **ACCOUNTS},
            (
                "name: does not have the right form. Something to tell it by: 1 to 200 characters, "
                "no control characters."
            ),
        ),
        (NewKey, {"name": "n" * 201, **ACCOUNTS}, "name: has to have at most 200 characters"),
        (NewKey, {"name": 7, **ACCOUNTS}, "name: has to be text, not a whole number"),
        (NewKey, {"name": "n", "kiro_accounts": "a"}, "kiro_accounts: has to be a list, not text"),
        (
            NewKey,
            {"name": "n", "kiro_accounts": [1]},
            "kiro_accounts[0]: has to be text, not a whole number",
        ),
        (
            NewKey,
            {"name": "n", "kiro_accounts": ["a"] * 1001},
            "kiro_accounts: has to have at most 1000 of them",
        ),
        (
            KeyChange,
            {"requests_per_minute": 0},
            "requests_per_minute: has to be at least 1",
        ),
        (
            KeyChange,
            {"requests_per_minute": "5"},
            "requests_per_minute: has to be a whole number or null, not text",
        ),
        (KeyChange, {"credits_per_month": 0}, "credits_per_month: has to be more than 0"),
        (KeyChange, {"enabled": "yes"}, "enabled: has to be true or false, not text"),
        (
            KeyChange,
            {"expires_at": "tomorrow"},
            "expires_at: has to be a time with its offset, such as 2026-01-31T09:00:00Z",
        ),
        (
            KeyChange,
            {"expires_at": "2026-01-31T09:00:00"},
            "expires_at: has to be a time with its offset, such as 2026-01-31T09:00:00Z",
        ),
        (Rotation, {"overlap_seconds": -1}, "overlap_seconds: has to be at least 0"),
        (
            NewAccount,
            {"name": "no blanks"},
            (
                "name: does not have the right form. 1 to 64 letters, digits, dots, underscores or "
                "hyphens; a letter or digit first."
            ),
        ),
        (NewAccount, {"name": "n", "type": "gcp"}, "type: 'gcp' is not among \"\", kiro"),
        (NewAccount, [], "The request has the wrong form: it has to be an object, not a list"),
    ],
)
def test_bodies(kind: type[msgspec.Struct], given: object, said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(msgspec.json.encode(given), type=kind)
    assert wrong_input(caught.value, kind) == said


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (ListQuery, {"limit": "0"}, "limit: has to be at least 1"),
        (ListQuery, {"limit": "many"}, "limit: has to be a whole number, not text"),
        (
            RequestQuery,
            {"status": "4x"},
            "status: does not have the right form. Such as 404, or 4xx for all of them.",
        ),
        (
            RequestQuery,
            {"sort": "name"},
            "sort: 'name' is not among -created_at, created_at",
        ),
        (RequestQuery, {"failed": "maybe"}, "failed: has to be true or false, not text"),
    ],
)
def test_queries(kind: type[msgspec.Struct], given: object, said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(given, kind, strict=False)
    assert wrong_input(caught.value, kind) == said
