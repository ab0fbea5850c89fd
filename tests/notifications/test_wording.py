"""Texts in each language, and what each channel makes of them."""

import json
import re
import string
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.health_states import WhySignIn
from gateway.kiro.quota import Amount
from gateway.notifications.notices import (
    AccountsInTrouble,
    DailySummary,
    KeysNearLimit,
    Notice,
    NoticeType,
    QuotaReached,
    ReachedAccount,
    Trial,
    type_of,
)
from gateway.notifications.payloads import (
    Letter,
    payload_for,
    slack_message,
    teams_card,
    webhook_document,
)
from gateway.notifications.schedule import zone_named
from gateway.notifications.texts import CHINESE, ENGLISH, TEXTS, Language, Texts
from gateway.notifications.wording import bar, compose, number, percentage
from gateway.simulator.webhooks import check_slack, check_teams, check_webhook
from tests.notifications.seen import NOW, RESET, account, key

WORK = account(used=91.25, key_names=("laptop", "ci"))
SPENT = account("spent", 100, condition="exhausted")
REACHED = QuotaReached(
    (ReachedAccount(SPENT, Amount(100, 100), 100), ReachedAccount(WORK, Amount(91.25, 100), 90)),
    Amount(191.25, 200),
    90,
    2,
)
SUMMARY = DailySummary(
    NOW,
    NOW,
    (SPENT, WORK, account("new", None), account("out", None, condition="login_needed")),
    Amount(191.25, 200),
)
TROUBLE = AccountsInTrouble(
    (
        account("a", condition="login_needed", reason="Its token is refused.", key_names=("k",)),
        account("b", condition="suspended"),
        account("c", condition="exhausted", until=RESET, reason="Its quota is used up."),
    )
)
KEYS = KeysNearLimit(
    (
        (key("ci", 1_000_000, allowed=1_000_000), 100),
        (key("laptop", 46.5, allowed=50, limit="credits_per_month", resets_at=NOW), 90),
    )
)
NOTICES: list[Notice] = [REACHED, SUMMARY, TROUBLE, KEYS, Trial()]


def letter(notice: Notice, language: Language = "en") -> Letter:
    message = compose(notice, TEXTS[language], zone_named("UTC"))
    return Letter("0" * 32, NOW, notice, message, language)


def names_in(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("name", [field.name for field in fields(Texts) if field.type is str])
def test_each_text_is_there_in_each_language_with_the_same_names_in_it(name: str) -> None:
    english, chinese = getattr(ENGLISH, name), getattr(CHINESE, name)
    assert english.strip()
    assert chinese.strip()
    assert names_in(english) == names_in(chinese)


def test_no_text_was_forgotten_in_translation() -> None:
    same = {
        field.name
        for field in fields(Texts)
        if getattr(ENGLISH, field.name) == getattr(CHINESE, field.name)
    }
    assert same == set()


def test_every_reason_for_a_sign_in_has_chinese_words() -> None:
    english = re.compile(r"[A-Za-z]{3,}")
    allowed = {"Kiro", "https", "upstream", "allowed", "private", "hosts"}
    reasons = [word for choice in get_args(WhySignIn) for word in get_args(choice) or (choice,)]
    assert set(CHINESE.reasons) == set(reasons)
    assert ENGLISH.reasons == {}
    for why, text in CHINESE.reasons.items():
        named = account("a", condition="login_needed", reason="Something in English.", why=why)
        lines = compose(AccountsInTrouble((named,)), CHINESE, zone_named("UTC")).lines
        assert lines[1] == f"原因：{text}"
        assert set(english.findall(text)) <= allowed
        in_english = compose(AccountsInTrouble((named,)), ENGLISH, zone_named("UTC")).lines
        assert in_english[1] == "Reason: Something in English."


def test_a_reason_that_nobody_knows_is_told_as_it_came() -> None:
    named = account("a", condition="login_needed", reason="Something in English.")
    lines = compose(AccountsInTrouble((named,)), CHINESE, zone_named("UTC")).lines
    assert lines[1] == "原因：Something in English."


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_every_notice_has_words_and_no_gap_is_left(notice: Notice, language: Language) -> None:
    message = compose(notice, TEXTS[language], zone_named("UTC"))
    assert message.title
    assert message.lines
    assert not [line for line in (message.title, *message.lines) if "{" in line or not line]


def test_a_threshold_in_english() -> None:
    assert compose(REACHED, ENGLISH, zone_named("UTC")).lines == (
        "All accounts (2): ▰▰▰▰▰▰▰▰▰▱ 95.6%, 191.25 of 200 used, 8.75 left",
        "The total has reached 90%.",
        "Accounts that reached a threshold: 2 of 2",
        (
            "spent: ▰▰▰▰▰▰▰▰▰▰ 100.0% (over 100%), 0 left, begins anew on 2026-12-01. "
            "Use another account."
        ),
        "work: ▰▰▰▰▰▰▰▰▰▱ 91.2% (over 90%), 8.75 left, begins anew on 2026-12-01. Watch its usage.",
        "API keys: @laptop, @ci",
    )


def test_a_threshold_in_chinese() -> None:
    assert compose(REACHED, CHINESE, zone_named("UTC")).lines == (
        "全部账号（2 个）：▰▰▰▰▰▰▰▰▰▱ 95.6%，已用 191.25 / 200，剩余 8.75",
        "总额度已达到 90%。",
        "达到阈值的账号：2 / 2",
        "spent：▰▰▰▰▰▰▰▰▰▰ 100.0%（阈值 100%），剩余 0，2026-12-01 重置。请更换账号。",
        "work：▰▰▰▰▰▰▰▰▰▱ 91.2%（阈值 90%），剩余 8.75，2026-12-01 重置。请注意用量。",
        "API Key：@laptop、@ci",
    )


def test_a_summary_names_the_time_of_its_zone() -> None:
    assert compose(SUMMARY, ENGLISH, zone_named("Asia/Tokyo")).title.endswith("2026-11-22, 17:30")
    lines = compose(SUMMARY, ENGLISH, zone_named("UTC")).lines
    assert lines[1].startswith("spent: ")
    assert lines[-3:] == ("new: no figures", "out: no figures", "out has to be signed in again.")


def test_troubles_and_keys_say_what_to_do() -> None:
    assert compose(TROUBLE, ENGLISH, zone_named("UTC")).lines == (
        "a has to be signed in again.",
        "Reason: Its token is refused.",
        "API keys: @k",
        "b is suspended by the service. Only its owner can mend that.",
        "c has used up its quota until 2026-12-01 00:00. Use another account.",
    )
    assert compose(KEYS, ENGLISH, zone_named("UTC")).lines == (
        "API key ci has used up its tokens in 24 hours: 1,000,000 of 1,000,000.",
        (
            "API key laptop has used 93.0% of its credits of the month: 46.50 of 50, "
            "begins anew on 2026-11-22."
        ),
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12, "12"), (11.996, "12"), (11.99, "11.99"), (1234567.5, "1,234,567.50")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text", "cells"),
    [
        (0, "0.0", 0),
        (9.99, "9.9", 0),
        (90, "90.0", 9),
        (99.99, "99.9", 9),
        (100, "100.0", 10),
        (250, "250.0", 10),
    ],
)
def test_a_percentage_is_never_shown_as_more_than_it_is(
    value: float, text: str, cells: int
) -> None:
    assert percentage(value) == text
    assert bar(value) == "▰" * cells + "▱" * (10 - cells)


CHECKS = {"teams": check_teams, "slack": check_slack, "webhook": check_webhook}


def many(count: int) -> list[Notice]:
    accounts = tuple(
        account(f"{'a' * 60}{index}", 95, key_names=("<&>" * 40,) * 30, condition="suspended")
        for index in range(count)
    )
    accounts = tuple(replace(one, reason="word " * 500) for one in accounts)
    reached = tuple(ReachedAccount(one, Amount(95, 100), 90) for one in accounts)
    keys = tuple((key("&" * 500 + str(index), 95), 90) for index in range(count))
    total = Amount(95, 100)
    return [
        QuotaReached(reached, total, 90, count),
        DailySummary(NOW, NOW, accounts, total),
        AccountsInTrouble(accounts),
        KeysNearLimit(keys),
    ]


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize("language", TEXTS)
def test_a_strict_receiver_takes_every_notice_however_long(kind: str, language: Language) -> None:
    for notice in NOTICES + many(1) + many(500):
        body = payload_for(kind, letter(notice, language))
        CHECKS[kind](msgspec.json.decode(body))
        assert kind == "webhook" or len(body) <= 28 * 1024
        assert len(compose(notice, TEXTS[language], None).lines) < 150


def test_a_list_that_is_too_long_says_how_many_are_left_out() -> None:
    (reached, *_) = many(500)
    lines = compose(reached, ENGLISH, None).lines
    shown = sum("(over 90%)" in line for line in lines)
    assert shown >= 3
    assert lines[-1] == f"… and {500 - shown} more"


@given(st.text(max_size=80))
def test_no_name_means_anything_to_slack(name: str) -> None:
    check_slack(slack_message(letter(KeysNearLimit(((key(name, 95), 90),)))))


def test_slack_gets_its_three_signs_escaped_and_names_otherwise_as_they_are() -> None:
    named = letter(KeysNearLimit(((key("<!channel> & my_key", 95), 90),)))
    section = _slack_sections(slack_message(named))
    assert "API key &lt;!channel&gt; &amp; my_key has" in section


def _slack_sections(message: dict[str, Any]) -> str:
    return "\n".join(
        block["text"]["text"] for block in message["blocks"] if block["type"] == "section"
    )


def test_teams_shows_names_instead_of_obeying_their_markup() -> None:
    named = letter(KeysNearLimit(((key("[x](http://e) *b* _i_ my_key", 95), 90),)))
    message: dict[str, Any] = teams_card(named)
    line = message["attachments"][0]["content"]["body"][1]["text"]
    assert r"API key \[x\](http://e) \*b\* \_i\_ my_key has" in line


def test_the_webhook_document_holds_facts_for_programs() -> None:
    document: dict[str, Any] = webhook_document(letter(REACHED))
    assert (document["version"], document["type"], document["time"]) == (
        1,
        "quota_threshold",
        "2026-11-22T08:30:00+00:00",
    )
    assert document["facts"]["total"] == {
        "used": 191.25,
        "limit": 200,
        "remaining": 8.75,
        "percent_used": 95.62,
    }
    assert [one["threshold"] for one in document["facts"]["accounts"]] == [100, 90]
    assert document["facts"]["accounts"][1]["api_keys"] == ["laptop", "ci"]
    assert document["facts"]["accounts"][1]["resets_at"] == "2026-12-01T00:00:00+00:00"


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_facts_are_the_same_in_each_language(notice: Notice) -> None:
    english, chinese = (webhook_document(letter(notice, name)) for name in TEXTS)
    assert english["facts"] == chinese["facts"]
    assert english["title"] != chinese["title"]


PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
EXAMPLES = [json.loads(one) for one in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def shape(value: Any) -> Any:
    """Names of members all the way down; of a list of objects the first one's."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    is_list = isinstance(value, list) and value and isinstance(value[0], dict)
    return [shape(value[0])] if is_list else None


def test_the_page_shows_documents_as_they_are() -> None:
    documents = {type_of(one): webhook_document(letter(one)) for one in NOTICES}
    check_webhook(EXAMPLES[0])
    whole = documents["quota_threshold"]
    assert shape(EXAMPLES[0]) == shape(whole)
    kinds: list[NoticeType] = ["daily_summary", "account_trouble", "key_near_limit"]
    for kind, example in zip(kinds, EXAMPLES[1:], strict=True):
        assert shape(example) == shape(documents[kind]["facts"]), kind


def test_the_page_names_every_type() -> None:
    for kind in get_args(NoticeType):
        assert f"| `{kind}` |" in PAGE
