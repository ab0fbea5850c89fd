"""What notifications are told of an account."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.kiro.quota import Amount, Overage, parse_quota
from gateway.store.accounts import Account, Credentials
from gateway.web.notifying import AccountConditions
from tests.sample_store import NOW

SIGNED_IN = Account(
    id="a",
    name="work",
    enabled=True,
    auth_method="social",
    auth_region="us-east-1",
    api_region=None,
    proxy=None,
    profile_arn=None,
    email=None,
    subscription=None,
    credentials=Credentials(access_token="t"),
    generation=1,
    created_at=NOW,
    updated_at=NOW,
)
SPENT = replace(parse_quota(b"{}"), known=True, resource_type="CREDIT", base=Amount(100, 100))


@dataclass
class Known:
    """What tokens and quotas would tell."""

    said: str | None = None
    refused: bool = False
    quota: Any = None

    def trouble(self, _: Account) -> str | None:
        return self.said

    def is_refused(self, _: Account) -> bool:
        return self.refused

    def peek(self, _: str) -> Any:
        return self.quota


@pytest.mark.parametrize(
    ("account", "known", "expected"),
    [
        (SIGNED_IN, Known(), ("fine", "")),
        (SIGNED_IN, Known("No network."), ("unclear", "No network.")),
        (SIGNED_IN, Known("Refused.", refused=True), ("login_needed", "Refused.")),
        (SIGNED_IN, Known(quota=SPENT), ("exhausted", "")),
        (SIGNED_IN, Known(quota=replace(SPENT, overage=Overage(enabled=True))), ("fine", "")),
        (replace(SIGNED_IN, credentials=None), Known(), ("login_needed", "Nobody is signed in.")),
        # Nobody has signed in yet: there is nothing that was lost.
        (replace(SIGNED_IN, credentials=None, auth_method=None), Known(), ("fine", "")),
    ],
)
def test_a_condition(account: Account, known: Known, expected: tuple[str, str]) -> None:
    conditions = AccountConditions(known, known)  # type: ignore[arg-type]  # stands for both
    assert conditions.of(account) == expected
