import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.logs import configure_logging, escape_controls
from gateway.redact import redact_headers, redact_text

LIMIT = 10_000


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(
    log_format: str, level: str = "info"
) -> tuple[structlog.stdlib.BoundLogger, io.StringIO]:
    stream = io.StringIO()
    configure_logging(level, log_format, stream=stream)
    return structlog.get_logger("test"), stream


def test_a_console_line_has_time_level_message_and_fields() -> None:
    log, stream = logged("console")
    log.info("reply finished", account="work", tokens_out=3)
    line = stream.getvalue()
    assert line.endswith("reply finished account=work tokens_out=3\n")
    assert "[info" in line
    assert "\x1b" not in line, "no colours off a terminal"


def test_a_json_line_is_one_object() -> None:
    log, stream = logged("json")
    log.warning("quota low", account="work", left=0.5, ids=("a", "b"))
    entry = json.loads(stream.getvalue())
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "level": "warning",
        "message": "quota low",
        "account": "work",
        "left": 0.5,
        "ids": ["a", "b"],
    }


def test_what_is_below_the_level_is_not_written() -> None:
    log, stream = logged("console", "warning")
    log.info("unseen")
    log.warning("seen")
    assert "unseen" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_second_set_up_replaces_the_first() -> None:
    log, first = logged("console")
    _, second = logged("json")
    log.info("where")
    assert first.getvalue() == ""
    assert json.loads(second.getvalue())["message"] == "where"


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x1b[2Kb", "a\x85b", "a\u2028b", "a\u202eb"])
def test_no_value_can_forge_a_line(log_format: str, text: str) -> None:
    log, stream = logged(log_format)
    log.info("request", path=text, inside={"header": [text]})
    logging.getLogger("library").warning("path %s", text)
    written = stream.getvalue()
    assert len(written.splitlines()) == 2
    assert "\x1b" not in written
    assert "\u202e" not in written


@given(st.text())
def test_escaped_text_is_one_line_and_can_be_encoded(text: str) -> None:
    escaped = escape_controls(text)
    assert len(escaped.splitlines()) <= 1
    escaped.encode()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_fields_never_show_a_secret(log_format: str) -> None:
    log, stream = logged(log_format)
    log.info(
        "stored",
        access_token="hush-1",
        headers={"Authorization": "Bearer hush-2"},
        note="the key sk-kiro-hush3 was used",
        raw=b'{"x": "ksk_hush4"}',
    )
    assert "hush" not in stream.getvalue()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_shows_neither_variables_nor_secrets_nor_forged_lines(log_format: str) -> None:
    log, stream = logged(log_format)
    try:
        local = "hush-local"
        raise ValueError("refused sk-kiro-hush\n2026-01-01 [info] forged " + local[:0])
    except ValueError:
        log.exception("it failed")
    written = stream.getvalue()
    text = json.loads(written)["exception"] if log_format == "json" else written
    assert "ValueError: refused ***" in text
    assert "sk-kiro-hush" not in text.replace('raise ValueError("refused sk-kiro-hush', "")
    assert "\n    2026-01-01 [info] forged" in text
    assert "local = " not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"access_token":"hush","x":1}', '{"access_token":"***","x":1}'),
        ('{"accessToken" : "a\\"hush"}', '{"accessToken" : "***"}'),
        ('{"RefreshToken":"hush', '{"RefreshToken":"***"'),
        ('{"clientSecret":"hush\\', '{"clientSecret":"***"'),
        ('{"code":123456}', '{"code":"***"}'),
        ('{"kiroApiKey":"hush","user_code":"hush"}', '{"kiroApiKey":"***","user_code":"***"}'),
        ('{"body":"{\\"idToken\\":\\"hush\\"}"}', '{"body":"{\\"idToken\\":\\"***\\"}"}'),
        ("a=1&refresh_token=hush&code=hush&b=2", "a=1&refresh_token=***&code=***&b=2"),
        ("https://h/cb?code=hush&state=s", "https://h/cb?code=***&state=s"),
        ("Authorization: Bearer hush\nAccept: x", "Authorization: ***\nAccept: x"),
        ("key sk-kiro-hush_1-2 used", "key *** used"),
        ("ksk_hush", "***"),
        ("the admin key kiro-admin-hu_sh-1 is new", "the admin key *** is new"),
        ("http://127.0.0.1:8080/ui#link=hush_1-2 once", "http://127.0.0.1:8080/ui#link=*** once"),
        ("token aoaAAAAAGhush0123456789abc: bad", "token *** bad"),
        ("postgresql://me:hush@host/db", "postgresql://***@host/db"),
        ("at https://hooks.slack.com/services/T0/B0/hush.", "at https://hooks.slack.com/***."),
        ("https://a.webhook.office.com/webhookb2/hu-sh@x/1", "https://a.webhook.office.com/***"),
        (
            "https://p.logic.azure.com/x?sv=1&sig=hu_s%2Fh&a=1",
            "https://p.logic.azure.com/x?sv=1&sig=***&a=1",
        ),
        ("eyJhbGciOiJub25lIn0.eyJodXNoIjoxfQ.c2ln", "***"),
    ],
)
def test_a_secret_is_hidden_wherever_it_stands(text: str, expected: str) -> None:
    assert redact_text(text, LIMIT) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"max_tokens":5,"stop":["a"],"error":{"type":"x"}}',
        "barcode=3&tokens=4",
        '{"codename":"x","passwords":2}',
        "the aorta and the skyline",
        "kiro-gateway admin-key reset; see /ui#links and ?link=5",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text, LIMIT) == text


@given(st.integers(min_value=0, max_value=80))
def test_a_secret_at_the_cut_does_not_show_its_beginning(limit: int) -> None:
    text = '{"model":"m","refresh_token":"HUSHHUSHHUSHHUSHHUSHHUSH"}'
    assert "HUSH" not in redact_text(text, limit)


def test_a_cut_says_how_much_is_missing() -> None:
    assert redact_text("x" * 10, 4) == "xxxx… (6 more characters)"


def test_secret_headers_are_hidden_whatever_their_case() -> None:
    headers = {
        "Authorization": "Bearer hush",
        "X-API-Key": "hush",
        "set-cookie": "s=hush",
        "Proxy-Authorization": "Basic hush",
        "accept": "*/*",
    }
    assert redact_headers(headers) == {
        "Authorization": "***",
        "X-API-Key": "***",
        "set-cookie": "***",
        "Proxy-Authorization": "***",
        "accept": "*/*",
    }
