"""Recorded answers, made by `make recordings`, read as any client of either dialect sees them."""

import json
from pathlib import Path

import pytest

from gateway.web.error_responses import Dialect
from scripts.make_recordings import write
from tests.relay.aggregate import Json, completion_of, message_of
from tests.relay.replay import (
    DIALECTS,
    RECORDINGS,
    Form,
    Replayed,
    cut,
    recorded,
    recordings,
    replay,
)

NAMES = recordings()
STREAMS = [path.name.split(".")[:2] for path in sorted(RECORDINGS.glob("*.sse"))]
ADVICE = "read `git diff tests/recordings` after `make recordings`"


def replayed(name: str, size: int, dialect: Dialect, form: Form) -> Replayed:
    data = recorded(name)
    return replay(cut(data, size or len(data)), NAMES[name].reading, dialect, form)


def expected(name: str, dialect: Dialect, suffix: str) -> Path:
    return RECORDINGS / f"{name}.{dialect}.{suffix}"


@pytest.mark.parametrize("size", [1, 7, 4096, 0], ids=["1 byte", "7 bytes", "4096 bytes", "whole"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_reply_reads_the_same_however_cut(
    name: str, dialect: Dialect, size: int
) -> None:
    answer = replayed(name, size, dialect, "answer")
    assert answer.body + b"\n" == expected(name, dialect, "json").read_bytes(), ADVICE
    stream = replayed(name, size, dialect, "stream")
    path = expected(name, dialect, "sse")
    if path.exists():
        assert stream.body == path.read_bytes(), ADVICE
    else:  # it failed before the stream began, so that both get the same status and body
        assert not stream.started
        assert stream.body == answer.body


@pytest.mark.parametrize(("name", "dialect"), STREAMS)
def test_a_collected_answer_is_what_a_client_puts_together_from_the_stream(
    name: str, dialect: Dialect
) -> None:
    collected: Json = json.loads(expected(name, dialect, "json").read_bytes())
    collected.pop("request_id", None)
    aggregate = message_of if dialect == "anthropic" else completion_of
    assert aggregate(expected(name, dialect, "sse").read_bytes()) == collected


def test_the_script_makes_exactly_the_files_that_are_kept(tmp_path: Path) -> None:
    write(tmp_path)
    kept = {path.name for path in RECORDINGS.iterdir() if path.suffix != ".md"}
    assert {path.name for path in tmp_path.iterdir()} == kept
    for made in tmp_path.iterdir():
        assert made.read_bytes() == (RECORDINGS / made.name).read_bytes(), made.name
