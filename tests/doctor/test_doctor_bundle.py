"""The report that can be given away: nothing in it opens anything or names anybody."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.doctor.bundle import bundle_of, scrub
from gateway.doctor.examination import examine
from gateway.doctor.findings import Finding, Report
from gateway.simulator.server import serve_in_thread
from gateway.store.accounts import get_account, save_credentials, update_account
from gateway.store.database import open_database
from gateway.store.secrets import open_secrets
from gateway.store.usage import UsageWriter, new_record_id
from tests.doctor.test_doctor_checks import installation, seeded
from tests.harness import ACCOUNTS, credentials_of
from tests.store.usage_samples import RECORD

pytestmark = pytest.mark.anyio

EXTRA = """  proxy: http://proxy-user:proxy-hush@127.0.0.1:9
auth:
  admin_key: admin-key-that-nobody-should-see
notifications:
  channels:
    - type: teams
      url: https://hooks.example.com/services/T000/B000/hook-hush
"""


async def test_a_bundle_tells_what_was_found_and_no_secret(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with serve_in_thread() as simulator:
        async with seeded(tmp_path, simulator.url, extra=EXTRA) as made:
            box = open_secrets(None, made.key_file)
            async with open_database(made.database, box) as database:
                async with database.begin() as db:
                    account = await get_account(db, box, "organisation")
                    credentials = replace(
                        credentials_of(ACCOUNTS["organisation"], simulator.url, now),
                        start_url="https://d-1234567890.awsapps.com/start",
                    )
                    await save_credentials(
                        db,
                        box,
                        account.id,
                        credentials,
                        auth_method="idc",
                        profile_arn=account.profile_arn,
                        expected_generation=None,
                        now=now,
                    )
                    await update_account(
                        db, box, account.id, proxy="http://a:account-hush@127.0.0.1:9", now=now
                    )
                writer = UsageWriter(database)
                writer.record(
                    replace(
                        RECORD,
                        id=new_record_id(now),
                        at=now,
                        status=502,
                        error_class="UpstreamInternal",
                        account_id=account.id,
                    )
                )
                await writer.aclose()
            report = await examine(made, lambda finding: None, live=False)
            # Something that an error could have quoted.
            quoted = Finding(
                "account",
                "problem",
                f"{ACCOUNTS['social'].refresh_token} of social@example.com "
                f"{ACCOUNTS['social'].profile_arn} {ACCOUNTS['organisation'].client_secret}",
            )
            report = replace(report, findings=(*report.findings, quoted))
            text = (await bundle_of(report, made, str(tmp_path))).decode()
    told = json.loads(text)
    assert told["report"]["findings"][0]["area"] == "settings"
    assert {one["name"] for one in told["accounts"]} == set(ACCOUNTS)
    assert [one["error_class"] for one in told["last_failures"]] == ["UpstreamInternal"]
    assert told["settings"]["server.port"]["from"] == "config.yaml, line 4"
    assert told["settings"]["upstream.proxy"]["value"] == "***"
    secrets: list[str | None] = [
        made.key_file.read_text().strip(),
        "admin-key-that-nobody-should-see",
        "hush",
        "proxy-user",
        "hooks.example.com/services",
        "d-1234567890",
        "111122223333",
        "@example.com",
        "arn:aws",
        str(tmp_path),
    ]
    for one in ACCOUNTS.values():
        secrets += [one.access_token, one.refresh_token, one.client_id, one.client_secret]
        secrets += [one.api_key, one.profile_arn, one.email]
    for secret in filter(None, secrets):
        assert secret not in text


async def test_a_bundle_is_made_when_nothing_works(tmp_path: Path) -> None:
    made = replace(installation(tmp_path), loaded=None)
    report = Report(ok=False, version="0", at=datetime.now(UTC), findings=())
    told = json.loads(await bundle_of(report, made, "/home/somebody"))
    assert (told["settings"], told["accounts"], told["last_failures"]) == ({}, [], [])


@pytest.mark.parametrize(
    "secret",
    [
        "arn:aws:codewhisperer:us-east-1:111122223333:profile/ABCDEF",
        "arn:aws-us-gov:codewhisperer:us-gov-west-1:111122223333:profile/ABCDEF",
        "some.body+kiro@mail.example.co.uk",
        "ksk_abcdef0123456789",
        "sk-kiro-abcdef0123456789",
        "aoaAAAAAGabcdefghijklmnop",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl",
        "https://d-906712345.awsapps.com/start",
        "AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789",
    ],
)
def test_what_looks_like_a_secret_or_a_person_is_hidden(secret: str) -> None:
    assert secret not in scrub(f'before "{secret}" after', ())
    assert scrub(f'before "{secret}" after', ()).startswith("before ")


@pytest.mark.parametrize(
    "text",
    [
        "environment variable KIRO_GATEWAY_DEFAULTS_FIRST_TOKEN_TIMEOUT_SECONDS",
        "/var/lib/kiro-gateway/with/a/rather/long/name/kiro-gateway-2.db",
        "2026-11-25T10:58:45.123456Z",
        "anthropic.claude-sonnet-4.5",
    ],
)
def test_what_helps_to_understand_stays(text: str) -> None:
    assert scrub(text, ()) == text


@given(st.text(min_size=4), st.text(), st.text())
def test_a_known_secret_never_gets_through(secret: str, before: str, after: str) -> None:
    text = json.dumps(before + secret + after, ensure_ascii=False)
    assert json.dumps(secret, ensure_ascii=False)[1:-1] not in scrub(text, [secret]).replace(
        "***", ""
    ) or set(secret) <= set("*arn:~")
