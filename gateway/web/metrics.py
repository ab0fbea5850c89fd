"""What Prometheus is told: counted after each request's last byte, read off at each scrape.

Label values are ours or the operator's: routes of our tables, names of accounts, models that the
service lists. Whatever else a client sends is counted under `other`.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from functools import lru_cache

import prometheus_client
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway import __version__, errors
from gateway.accounts.answers import AccountAnswers
from gateway.accounts.directory import Directory
from gateway.accounts.health import AccountHealth
from gateway.errors import GatewayError, UpstreamError
from gateway.kiro.models import Model
from gateway.kiro.quota import Quota
from gateway.relay.facts import Facts

# A second series for each, which hardly anybody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types

OTHER = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})

# Seconds. Answers are streams of many minutes at worst; errors take milliseconds.
DURATIONS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
FIRST_TOKENS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60, 120, 240)


class Metrics:
    """Counters of this process, on a registry of their own."""

    def __init__(
        self,
        directory: Directory,
        health: AccountHealth,
        models: AccountAnswers[tuple[Model, ...]],
        quotas: AccountAnswers[Quota],
    ) -> None:
        self._models = models
        self._active: dict[int, Facts] = {}
        self.registry = registry = CollectorRegistry()
        self._requests = prometheus_client.Counter(
            "kiro_gateway_requests",
            "Requests answered.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._durations = Histogram(
            "kiro_gateway_request_duration_seconds",
            "From a request's arrival to its last byte.",
            ["route"],
            buckets=DURATIONS,
            registry=registry,
        )
        self._first_tokens = Histogram(
            "kiro_gateway_first_token_seconds",
            "From a request's arrival to the first token of its answer.",
            ["model"],
            buckets=FIRST_TOKENS,
            registry=registry,
        )
        self._tokens = prometheus_client.Counter(
            "kiro_gateway_tokens",
            "Tokens in (input, cache_read, cache_write) and out (output), and how they are known.",
            ["account", "model", "direction", "source"],
            registry=registry,
        )
        self._credits = prometheus_client.Counter(
            "kiro_gateway_credits",
            "Credits that the service metered.",
            ["account", "model"],
            registry=registry,
        )
        self._upstream_calls = prometheus_client.Counter(
            "kiro_gateway_upstream_calls",
            "Generation calls to the service, retries among them.",
            ["account"],
            registry=registry,
        )
        self._failovers = prometheus_client.Counter(
            "kiro_gateway_failovers",
            "Requests that another account served, or had to, by the account that did not.",
            ["account"],
            registry=registry,
        )
        self._errors = prometheus_client.Counter(
            "kiro_gateway_errors",
            "Requests that ended in an error, by its class.",
            ["error"],
            registry=registry,
        )
        self._upstream_errors = prometheus_client.Counter(
            "kiro_gateway_upstream_errors",
            "Requests that ended in an error of the service, by account and class.",
            ["account", "error"],
            registry=registry,
        )
        active = Gauge(
            "kiro_gateway_active_requests", "Requests being answered.", registry=registry
        )
        active.set_function(lambda: len(self._active))
        streams = Gauge("kiro_gateway_active_streams", "Streams being sent.", registry=registry)
        streams.set_function(self._open_streams)
        registry.register(_Accounts(directory, health, quotas))
        ProcessCollector(registry=registry)

    def begin(self, facts: Facts) -> None:
        """A request has come; what `facts` will hold is looked at later."""
        self._active[id(facts)] = facts

    def end(self, facts: Facts, seconds: float) -> None:
        """Count a request, `seconds` after it came. Call it once for each `begin`."""
        self._active.pop(id(facts), None)
        route = facts.route or OTHER
        method = facts.method if facts.method in METHODS else OTHER
        self._requests.labels(route, method, str(facts.status or "none")).inc()
        self._durations.labels(route).observe(seconds)
        account = facts.account_name or "none"
        if facts.error_class is not None:
            error = facts.error_class if facts.error_class in _error_names() else OTHER
            self._errors.labels(error).inc()
            if error in _upstream_error_names():
                self._upstream_errors.labels(account, error).inc()
        self._count_calls(facts, account)
        if facts.model_served is not None:
            self._count_generation(facts, account)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text for a scraper that accepts these types, and its own type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _count_generation(self, facts: Facts, account: str) -> None:
        model = self._known_model(facts)
        if facts.first_token is not None:
            self._first_tokens.labels(model).observe(facts.first_token)
        usage = facts.usage
        if usage is None:
            return
        for direction, tokens in (
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cache_read", usage.cache_read_tokens),
            ("cache_write", usage.cache_write_tokens),
        ):
            if tokens:
                self._tokens.labels(account, model, direction, usage.source).inc(tokens)
        if usage.credits:
            self._credits.labels(account, model).inc(usage.credits)

    def _count_calls(self, facts: Facts, account: str) -> None:
        ended = Counter(call.account for call in facts.calls if call.sent)
        for name, calls in ended.items():
            self._upstream_calls.labels(name).inc(calls)
        if (cut_short := facts.upstream_calls - ended.total()) > 0:
            self._upstream_calls.labels(account).inc(cut_short)
        for name in facts.failed_over:
            self._failovers.labels(name).inc()

    def running_by_account(self) -> Counter[str]:
        """How many generations each account is serving in this process, by its id."""
        return Counter(
            facts.account_id
            for facts in self._active.values()
            if facts.account_id is not None and facts.model_asked is not None
        )

    def _known_model(self, facts: Facts) -> str:
        known = self._models.peek(facts.account_id or "") or ()
        served = facts.model_served or ""
        return served if any(model.id == served for model in known) else OTHER

    def _open_streams(self) -> int:
        return sum(facts.stream and facts.status == 200 for facts in self._active.values())


class _Accounts(Collector):
    """Health and quota of accounts, as they are known at the time of a scrape."""

    def __init__(
        self, directory: Directory, health: AccountHealth, quotas: AccountAnswers[Quota]
    ) -> None:
        self._directory = directory
        self._health = health
        self._quotas = quotas

    def collect(self) -> Iterator[Metric]:
        """Nothing is asked upstream for it."""
        yield InfoMetricFamily("kiro_gateway", "This gateway.", {"version": __version__})
        healthy = GaugeMetricFamily(
            "kiro_gateway_account_healthy", "1 if an account can serve.", labels=["account"]
        )
        states = GaugeMetricFamily(
            "kiro_gateway_account_state",
            "1 for the state that an account is in.",
            labels=["account", "state"],
        )
        cooldowns = GaugeMetricFamily(
            "kiro_gateway_account_cooldowns",
            "Cool-downs that hold: of the account, or of one of its models.",
            labels=["account", "kind"],
        )
        for account in self._directory.accounts:
            health = self._health.of(account)
            healthy.add_metric([account.name], float(health.healthy))
            states.add_metric([account.name, health.state], 1.0)
            for kind, count in Counter(one.kind for one in health.cooldowns).items():
                cooldowns.add_metric([account.name, kind], count)
        yield from (healthy, states, cooldowns)
        yield from self._quota_gauges()

    def _quota_gauges(self) -> Collection[Metric]:
        used = _quota_gauge("used", "Units of the quota that are used")
        limit = _quota_gauge("limit", "Units of the quota")
        resets = GaugeMetricFamily(
            "kiro_gateway_account_quota_reset_timestamp_seconds",
            "When the quota begins anew.",
            labels=["account"],
        )
        for account in self._directory.accounts:
            quota = self._quotas.peek(account.id)
            if quota is None or not quota.known:
                continue
            used.add_metric([account.name], quota.total.used)
            limit.add_metric([account.name], quota.total.limit)
            if quota.resets_at is not None:
                resets.add_metric([account.name], quota.resets_at.timestamp())
        return used, limit, resets


def _quota_gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(
        f"kiro_gateway_account_quota_{name}",
        f"{text}, trial and bonuses included, as last heard.",
        labels=["account"],
    )


@lru_cache(maxsize=1)
def _error_names() -> frozenset[str]:
    return frozenset({"ClientDisconnected", *_names(GatewayError)})


@lru_cache(maxsize=1)
def _upstream_error_names() -> frozenset[str]:
    return frozenset(_names(UpstreamError))


def _names(root: type[errors.GatewayError]) -> Iterator[str]:
    yield root.__name__
    for child in root.__subclasses__():
        yield from _names(child)
