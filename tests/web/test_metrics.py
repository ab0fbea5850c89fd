"""What Prometheus is told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path) as gateway:
        yield gateway


async def scrape(gateway: AdminGateway) -> Samples:
    answer = await gateway.call("GET", "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of all samples of a name that have these labels."""
    return sum(
        number
        for (found, its_labels), number in samples.items()
        if found == f"kiro_gateway_{name}" and labels.items() <= its_labels
    )


async def ask(gateway: AdminGateway, *, model: str = "auto", key: str = "", **more: object) -> int:
    body = {
        "model": model,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
        **more,
    }
    headers = {"x-api-key": key or gateway.key}
    answer = await gateway.http.post(gateway.url + "/v1/messages", json=body, headers=headers)
    return answer.status_code


async def test_a_generation_is_counted_with_its_tokens_credits_and_times(
    own: AdminGateway,
) -> None:
    await own.http.get(own.url + "/v1/models", headers={"x-api-key": own.key})
    assert await ask(own) == 200
    assert await ask(own, stream=True) == 200
    samples = await scrape(own)
    route = "/v1/messages"
    assert value(samples, "requests_total", route=route, method="POST", status="200") == 2
    assert value(samples, "request_duration_seconds_count", route=route) == 2
    assert value(samples, "first_token_seconds_count", model="auto") == 2
    assert value(samples, "upstream_calls_total", account="social") == 2
    for direction in ("input", "output"):
        of = {"account": "social", "model": "auto", "direction": direction}
        assert value(samples, "tokens_total", **of) > 0
    assert value(samples, "credits_total", account="social", model="auto") > 0
    assert value(samples, "errors_total") == 0
    assert value(samples, "active_requests") == 1  # the scrape itself
    assert value(samples, "active_streams") == 0


async def test_errors_are_counted_by_class_and_those_of_the_service_by_account(
    own: AdminGateway, kiro: Kiro
) -> None:
    assert await ask(own, key="wrong") == 401
    await kiro.scenario("suspended")
    assert await ask(own) == 403
    samples = await scrape(own)
    assert value(samples, "errors_total", error="NotAuthenticated") == 1
    assert value(samples, "errors_total", error="AccountSuspended") == 1
    assert value(samples, "upstream_errors_total") == 1
    of = {"account": "social", "error": "AccountSuspended"}
    assert value(samples, "upstream_errors_total", **of) == 1


async def test_what_clients_make_up_is_no_label(own: AdminGateway) -> None:
    made_up = "made-up-by-a-client"
    await own.http.get(own.url + "/v1/models", headers={"x-api-key": own.key})
    await ask(own, model=made_up)
    await own.http.get(f"{own.url}/{made_up}", headers={"x-api-key": own.key})
    await own.http.get(f"{own.url}/a/{made_up}/v1/models", headers={"x-api-key": own.key})
    await own.http.get(f"{own.url}/v1/models/{made_up}", headers={"x-api-key": own.key})
    await own.http.request("PROPFIND", own.url + "/health")
    await own.call("GET", f"/admin/keys/{made_up}")
    answer = await own.call("GET", "/metrics")
    assert made_up not in answer.text.lower()
    samples = await scrape(own)
    assert value(samples, "requests_total", route="other") == 1
    assert value(samples, "requests_total", method="other") == 1
    assert value(samples, "requests_total", route="/admin/keys/{id}") == 1


async def test_accounts_show_their_health_and_the_quota_that_is_known(own: AdminGateway) -> None:
    quota = await own.get("/admin/kiro/usage-limits?account=social")
    await own.call("PUT", "/admin/accounts/builder", {"enabled": False})
    samples = await scrape(own)
    assert value(samples, "account_healthy", account="social") == 1
    assert value(samples, "account_healthy", account="builder") == 0
    limit = quota["total"]["limit"]
    assert value(samples, "account_quota_limit", account="social") == limit > 0
    assert not [
        labels for name, labels in samples if "quota" in name and ("account", "key") in labels
    ]


async def test_openmetrics_is_spoken_to_those_who_ask_for_it(own: AdminGateway) -> None:
    answer = await own.call("GET", "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_a_listed_network_reads_the_metrics_and_nothing_else(
    kiro: Kiro, tmp_path: Path
) -> None:
    metrics = {"allowed_networks": ("127.0.0.0/8",)}
    async with admin_gateway(kiro, tmp_path, metrics=metrics) as gateway:
        read = await gateway.anonymous("GET", "/metrics", host="gateway.monitoring.svc:8080")
        assert read.status_code == 200
        assert (await gateway.anonymous("GET", "/admin/accounts")).status_code == 401
        forwarded = await gateway.anonymous("GET", "/metrics", x_forwarded_for="127.0.0.1")
        assert forwarded.status_code == 403


async def test_without_a_listed_network_the_metrics_need_the_key(own: AdminGateway) -> None:
    assert (await own.anonymous("GET", "/metrics")).status_code == 401
    assert (await own.anonymous("GET", "/metrics", x_api_key=own.key)).status_code == 401
