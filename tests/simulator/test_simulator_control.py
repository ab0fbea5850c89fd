import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from gateway.simulator.request_log import Entry, RequestLog
from tests.simulator.simulator_client import BUILDER, answer, ask, frames, headers_of, post, text_of


def counts(http: httpx.Client, until: str = "") -> dict[str, int]:
    reply: dict[str, int] = http.get(f"/_sim/connections?until={until}").json()
    return reply


@pytest.mark.parametrize("point", ["headers", "frame:1", "frame:3", "closing", "end"])
def test_a_stream_waits_at_the_gate_until_it_is_released(http: httpx.Client, point: str) -> None:
    http.put("/_sim/gate", json={"point": point})
    with ThreadPoolExecutor() as threads:
        reply = threads.submit(post, http, ask("Hello"))
        assert counts(http, "waiting:1")["reached"]
        assert not reply.done()
        http.post("/_sim/release")
        assert text_of(frames(reply.result().content)) == "You said: Hello"
    assert text_of(answer(http, ask("Hello"))) == "You said: Hello"


def test_a_gate_lets_one_stream_at_a_time_through(http: httpx.Client) -> None:
    http.put("/_sim/gate", json={"point": "end"})
    with ThreadPoolExecutor() as threads:
        replies = [threads.submit(post, http, ask("Hello")) for _ in range(2)]
        assert counts(http, "waiting:2")["reached"]
        http.post("/_sim/release", json={"count": 1})
        assert counts(http, "waiting:1,open:1")["reached"]
        http.post("/_sim/release", json={"count": 1})
        assert [reply.result().status_code for reply in replies] == [200, 200]


def test_what_precedes_the_gate_is_sent(http: httpx.Client) -> None:
    http.put("/_sim/gate", json={"point": "closing"})
    with http.stream("POST", "/", headers=headers_of(BUILDER), json=ask("Hello")) as reply:
        # Held on to: a dropped iterator would close the stream.
        chunks = reply.iter_raw()
        received = next(chunks)
        while text_of(frames(received)) != "You said: Hello":
            received += next(chunks)
        assert counts(http, "waiting:1")["reached"]
    assert counts(http, "open:0,cancelled:1")["reached"]


def test_a_hang_up_is_counted_and_a_full_answer_is_not(http: httpx.Client) -> None:
    answer(http, ask("Hello"))
    assert counts(http) == {"open": 0, "total": 1, "cancelled": 0, "waiting": 0, "reached": True}
    http.put("/_sim/gate", json={"point": "frame:2"})
    with http.stream("POST", "/", headers=headers_of(BUILDER), json=ask("Hello")) as reply:
        assert reply.status_code == 200
        assert counts(http)["open"] == 1
    after = counts(http, "open:0")
    assert (after["total"], after["cancelled"], after["waiting"]) == (2, 1, 0)


def test_waiting_for_counts_gives_up_in_time(http: httpx.Client) -> None:
    reply = http.get("/_sim/connections?until=open:5&seconds=0.01").json()
    assert reply["reached"] is False


def test_a_paced_stream_sends_its_events_one_by_one(http: httpx.Client) -> None:
    http.put("/_sim/pace", json={"events_per_second": 500})
    chunks = []
    body = ask("[[count to 20]]")
    with http.stream("POST", "/", headers=headers_of(BUILDER), json=body) as reply:
        chunks = [chunk for chunk in reply.iter_raw() if chunk]
    assert text_of(frames(b"".join(chunks))).endswith(" 19 20")
    assert len(chunks) > 5


def test_a_reset_forgets_everything_but_tokens(http: httpx.Client) -> None:
    http.put("/_sim/scenario", json={"name": "throttled", "times": None})
    http.put("/_sim/gate", json={"point": "headers"})
    http.put("/_sim/events", json={"metadata": False})
    http.put("/_sim/credits", json={"account": "key", "used": 9999})
    spent = http.post("/refreshToken", json={"refreshToken": "aorSIMULATED-social-first"})
    assert spent.status_code == 200
    http.post("/_sim/reset")
    assert http.get("/_sim/log").json() == {"requests": []}
    kinds = {frame.kind for frame in answer(http, ask("Hello"))}
    assert "metadataEvent" in kinds
    again = http.post("/refreshToken", json={"refreshToken": "aorSIMULATED-social-first"})
    assert again.status_code == 400
    http.post("/_sim/reset", json={"tokens": True})
    anew = http.post("/refreshToken", json={"refreshToken": "aorSIMULATED-social-first"})
    assert anew.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "order"),
    [
        ("PUT", "/_sim/gate", {"point": "somewhere"}),
        ("PUT", "/_sim/gate", {"point": "frame:x"}),
        ("PUT", "/_sim/pace", {"events_per_second": -1}),
        ("PUT", "/_sim/credits", {"account": "nobody", "used": 1}),
        ("POST", "/_sim/expire-tokens", {"account": "nobody"}),
        ("PUT", "/_sim/events", {"metering": "off"}),
    ],
)
def test_a_senseless_control_request_is_refused(
    http: httpx.Client, method: str, path: str, order: dict[str, object]
) -> None:
    reply = http.request(method, path, json=order)
    assert reply.status_code == 400
    assert reply.json()["error"]


@pytest.mark.parametrize("query", ["until=shut:1", "until=open", "seconds=soon"])
def test_a_senseless_wait_is_refused(http: httpx.Client, query: str) -> None:
    assert http.get(f"/_sim/connections?{query}").status_code == 400


def test_the_log_drops_old_bodies_before_they_fill_the_memory() -> None:
    log = RequestLog()
    large = b"x" * (12 * 1024 * 1024)
    for number in range(4):
        log.add(Entry(float(number), "generate", "POST", "/", {}, large))
    assert [len(entry.body) for entry in log.entries()] == [0, 0, len(large), len(large)]


def test_the_log_keeps_the_newest_requests() -> None:
    log = RequestLog()
    for number in range(700):
        log.add(Entry(float(number), "generate", "POST", "/", {}, b"x"))
    assert [entry.at for entry in log.entries()] == [float(n) for n in range(200, 700)]


def test_the_process_prints_its_address_and_answers_there() -> None:
    command = [sys.executable, "-m", "gateway.simulator", "--port", "0", "--seed", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            health = httpx.get(f"{url}/_sim/health", timeout=20)
            assert health.json() == {"status": "ok", "seed": 5}
        finally:
            process.terminate()
