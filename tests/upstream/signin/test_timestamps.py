from datetime import UTC, datetime

import pytest

from gateway.upstream.signin.timestamps import parse_timestamp

MOMENT = datetime(2026, 11, 22, 9, 25, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [
        (1795339513, 0),
        (1795339513.5, 500_000),
        (1795339513250, 250_000),
        ("1795339513", 0),
        ("1.795339513E9", 0),
        ("1795339513250", 250_000),
        ("2026-11-22T09:25:13Z", 0),
        ("2026-11-22t09:25:13z".upper(), 0),
        ("2026-11-22T09:25:13.482Z", 482_000),
        ("2026-11-22T09:25:13.482915377Z", 482_915),
        ("2026-11-22T10:25:13.482915377+01:00", 482_915),
        ("2026-11-22T04:55:13-0430", 0),
        ("2026-11-22 09:25:13", 0),
        (" 2026-11-22T09:25:13 ", 0),
        ("2026-11-22 09:25:13.482915377 +0000 UTC", 482_915),
        ("2026-11-22 10:25:13.482915377 +0100 CET m=+0.013", 482_915),
    ],
)
def test_every_spelling_of_a_time_is_read(written: object, microsecond: int) -> None:
    assert parse_timestamp(written) == MOMENT.replace(microsecond=microsecond)


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "soon",
        True,
        0,
        -5,
        "0",
        float("nan"),
        float("inf"),
        1e300,
        10**400,
        "2026-13-01T00:00:00Z",
        "2026-11-22T25:00:00Z",
        "2026-11-22T09:25:13+99:00",
        "2026-11-22",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-02:00",
        ["2026-11-22T09:25:13Z"],
    ],
    ids=str,
)
def test_what_is_no_time_is_unknown(written: object) -> None:
    assert parse_timestamp(written) is None
