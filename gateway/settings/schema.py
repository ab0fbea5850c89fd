"""Every knob, typed, with its default and one sentence for the person who turns it.

The descriptions are what `config.example.yaml` says about each key, so they are written for
operators; `examples` stand for a key that has no default worth writing down.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from gateway import __version__
from gateway.settings.constraints import (
    BYTES,
    EXPANDED,
    PATH,
    SECRET,
    DatabaseUrl,
    HeaderText,
    HostName,
    Network,
    NonEmpty,
    Origin,
    ProxyUrl,
    ServiceUrl,
    TimeOfDay,
    Timezone,
    WebUrl,
)

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["console", "json"]
HIDDEN = "***"


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A group of settings; secrets in it are hidden from `repr`, which ends up in logs."""

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({inside})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        secret = _secret_fields(type(self))
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return [
            (name, HIDDEN if value and name in secret else value) for name, value in values.items()
        ]


def _secret_fields(section: type[Section]) -> frozenset[str]:
    hints = get_type_hints(section, include_extras=True)
    return frozenset(name for name, hint in hints.items() if SECRET in get_args(hint))


class ServerSettings(Section, frozen=True):
    """Where the gateway listens and how it answers."""

    host: Annotated[NonEmpty, Meta(description="Address to listen on.")] = "0.0.0.0"  # noqa: S104  # a gateway is there to be reached
    port: Annotated[int, Meta(ge=1, le=65535, description="Port to listen on.")] = 8080
    log_level: Annotated[
        LogLevel, Meta(description="debug adds raw traffic, with secrets redacted.")
    ] = "info"
    log_format: Annotated[
        LogFormat, Meta(description="console for people, json for log collectors.")
    ] = "console"
    cors_origins: Annotated[
        tuple[Origin, ...],
        Meta(
            description="Origins whose pages may call /admin; none by default. "
            "/v1 answers every origin, without credentials."
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Meta(description="Reverse proxies whose X-Forwarded-* headers are believed."),
    ] = ()
    tls_cert: Annotated[
        str | None,
        Meta(
            description="PEM file with the certificate chain; needs tls_key too.",
            examples=["/etc/kiro-gateway/tls.crt"],
        ),
        PATH,
    ] = None
    tls_key: Annotated[
        str | None,
        Meta(
            description="PEM file with the certificate's private key.",
            examples=["/etc/kiro-gateway/tls.key"],
        ),
        PATH,
    ] = None
    max_request_bytes: Annotated[
        int, Meta(ge=1, description="Larger request bodies are refused with 413."), BYTES
    ] = 32 * 1024 * 1024
    drain_timeout_seconds: Annotated[
        float, Meta(ge=0, description="How long running streams may go on after a shutdown began.")
    ] = 30


class AuthSettings(Section, frozen=True):
    """Who may use the admin API and the admin pages."""

    admin_key: Annotated[
        NonEmpty | None,
        Meta(
            description="Key for /admin. Without one, the first start makes one and prints it "
            "once; only its hash is kept.",
            examples=["a long random text"],
        ),
        SECRET,
    ] = None
    admin_local_only: Annotated[
        bool,
        Meta(
            description="Answer /admin to this machine only, judged by the connection itself, "
            "never by a header."
        ),
    ] = True
    admin_allowed_networks: Annotated[
        tuple[Network, ...],
        Meta(description="Further networks that count as local, such as a container bridge."),
    ] = ()
    admin_hosts: Annotated[
        tuple[HostName, ...],
        Meta(description="Further Host header values that the admin pages answer to."),
    ] = ()


class DefaultsSettings(Section, frozen=True):
    """How requests are served."""

    health_check_enabled: Annotated[
        bool, Meta(description="Look at every account regularly, not only when it is used.")
    ] = True
    health_check_seconds: Annotated[
        float, Meta(ge=1, description="Seconds between two looks at an account.")
    ] = 60
    first_token_timeout_seconds: Annotated[
        float,
        Meta(
            ge=0,
            description="How long one attempt may take to the first upstream event; four times "
            "that with thinking, plus 1 s per 40 KB of body. 0 turns it off.",
        ),
    ] = 15
    first_token_max_retries: Annotated[
        int,
        Meta(ge=0, le=10, description="Attempts after the first one when no event came in time."),
    ] = 3
    first_token_timeouts: Annotated[
        dict[NonEmpty, Annotated[float, Meta(ge=0)]],
        Meta(description='The same limit for single models, e.g. {"claude-opus-4.5": 90}.'),
    ] = {}
    idle_timeout_seconds: Annotated[
        float, Meta(gt=0, description="Longest silence between two later upstream events.")
    ] = 300
    max_payload_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Largest body sent upstream; beyond it clients are told that the prompt "
            "is too long, so that they compact. 0 turns the guard off.",
        ),
        BYTES,
    ] = 600_000
    auto_trim_payload: Annotated[
        bool,
        Meta(
            description="Over that limit, leave out the oldest rounds of the conversation "
            "instead of refusing it."
        ),
    ] = False
    remap_builtin_tools: Annotated[
        bool,
        Meta(
            description="Turn calls of Kiro's own built-in tools into calls of the tools that "
            "the client declared."
        ),
    ] = True
    tool_streaming: Annotated[
        Literal["buffered", "live"],
        Meta(
            description="buffered hands on a tool call's input once it is complete and parses, "
            "live as it comes."
        ),
    ] = "buffered"
    history_thinking: Annotated[
        Literal["native", "drop"],
        Meta(description="native sends signed thinking of earlier turns back up, drop leaves it."),
    ] = "native"
    enforce_max_tokens: Annotated[
        bool,
        Meta(description="Cut answers at the client's max_tokens; the service does not."),
    ] = True


class TenantSettings(Section, frozen=True):
    """Where accounts, keys and usage are kept, and for how long."""

    db_path: Annotated[
        NonEmpty,
        Meta(description="SQLite database. Leave it out when database_url is set."),
        PATH,
    ] = "~/.kiro-gateway/kiro-gateway.db"
    database_url: Annotated[
        DatabaseUrl | None,
        Meta(
            description="PostgreSQL database, for several replicas; instead of db_path.",
            examples=["postgresql://kiro:password@db.example.com/kiro"],
        ),
        SECRET,
    ] = None
    usage_retention_days: Annotated[
        int, Meta(ge=1, description="Days that usage figures are kept.")
    ] = 400
    request_log_days: Annotated[
        int, Meta(ge=1, description="Days that the request log is kept.")
    ] = 30


class UpstreamSettings(Section, frozen=True):
    """The Kiro service, and how to reach it.

    The URLs replace scheme, host and base path of the real service; `{region}` in them becomes the
    account's region.
    """

    runtime_url: Annotated[ServiceUrl, Meta(description="Generation and web search.")] = (
        "https://q.{region}.amazonaws.com"
    )
    management_url: Annotated[
        ServiceUrl, Meta(description="Model list, usage limits and profiles.")
    ] = "https://q.{region}.amazonaws.com"
    oidc_url: Annotated[
        ServiceUrl, Meta(description="Sign-in by Builder ID and IAM Identity Center.")
    ] = "https://oidc.{region}.amazonaws.com"
    auth_url: Annotated[ServiceUrl, Meta(description="Sign-in by Google and GitHub.")] = (
        "https://prod.{region}.auth.desktop.kiro.dev"
    )
    portal_url: Annotated[ServiceUrl, Meta(description="The sign-in page in the browser.")] = (
        "https://app.kiro.dev"
    )
    proxy: Annotated[
        ProxyUrl | None,
        Meta(
            description="Proxy for everything that goes upstream (http, https or socks5); "
            "addresses of this machine are never proxied.",
            examples=["http://proxy.example.com:3128"],
        ),
        SECRET,
    ] = None
    user_agent: Annotated[
        HeaderText,
        Meta(
            description="What the gateway calls itself upstream.",
            examples=["kiro-gateway/<version>"],
        ),
    ] = f"kiro-gateway/{__version__}"
    origin: Annotated[HeaderText, Meta(description="The origin member of each request.")] = (
        "AI_EDITOR"
    )
    optout: Annotated[
        bool, Meta(description="Ask the service not to learn from what passes through.")
    ] = True
    allowed_private_hosts: Annotated[
        tuple[HostName, ...],
        Meta(description="Hosts that may be fetched although private or by plain http."),
    ] = ()


class MetricsSettings(Section, frozen=True):
    """Who may read /metrics."""

    allowed_networks: Annotated[
        tuple[Network, ...], Meta(description="Networks that may, besides the admin.")
    ] = ()


class NotificationChannel(Section, frozen=True):
    """One place that notifications go to. `${VAR}` in `url` comes from the environment."""

    type: Literal["teams", "slack", "webhook"]
    url: Annotated[WebUrl, EXPANDED, SECRET]
    name: str = ""


Percent = Annotated[int, Meta(ge=1, le=1000)]


class NotificationSettings(Section, frozen=True):
    """What is told to whom. What the admin pages save wins over this section."""

    enabled: Annotated[bool, Meta(description="Send notifications at all.")] = False
    language: Annotated[Literal["en", "zh"], Meta(description="Their language.")] = "en"
    timezone: Annotated[
        Timezone, Meta(description="Time zone of daily_times: Local, or a name like Asia/Tokyo.")
    ] = "Local"
    check_interval_seconds: Annotated[
        float, Meta(ge=1, description="Seconds between two looks at the quotas.")
    ] = 600
    channels: Annotated[
        tuple[NotificationChannel, ...],
        Meta(
            description="Where to: a list of {type, url, name}, type being teams, slack or "
            "webhook; ${VAR} in a url is taken from the environment.",
        ),
    ] = ()
    account_thresholds: Annotated[
        tuple[Percent, ...],
        Meta(description="Percentages of one account's quota that are worth a message."),
    ] = (90, 100)
    total_thresholds: Annotated[
        tuple[Percent, ...], Meta(description="The same for all accounts together.")
    ] = (90, 100)
    daily_times: Annotated[
        tuple[TimeOfDay, ...], Meta(description='Times of a daily summary, such as "09:00".')
    ] = ()


class Settings(Section, frozen=True):
    """Everything an operator can set. Names match config.example.yaml.

    Later wins: the defaults here, the file, KIRO_GATEWAY_* in the environment, flags.
    """

    server: ServerSettings = ServerSettings()
    auth: AuthSettings = AuthSettings()
    defaults: DefaultsSettings = DefaultsSettings()
    tenant: TenantSettings = TenantSettings()
    upstream: UpstreamSettings = UpstreamSettings()
    metrics: MetricsSettings = MetricsSettings()
    notifications: NotificationSettings = NotificationSettings()


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its dotted name, its annotated type and what is told about it."""

    name: str
    hint: object
    default: object
    description: str
    example: object | None
    secret: bool

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "KIRO_GATEWAY_" + self.name.replace(".", "_").upper()


def _keys() -> Iterator[Key]:
    for section, section_type in SECTIONS.items():
        hints = get_type_hints(section_type, include_extras=True)
        for field in msgspec.structs.fields(section_type):
            hint = hints[field.name]
            meta = next(m for m in get_args(hint) if isinstance(m, Meta) and m.description)
            default = field.default_factory() if callable(field.default_factory) else field.default
            yield Key(
                name=f"{section}.{field.name}",
                hint=hint,
                default=default,
                description=str(meta.description),
                example=meta.examples[0] if meta.examples else None,
                secret=SECRET in get_args(hint),
            )


SECTIONS: Mapping[str, type[Section]] = MappingProxyType(get_type_hints(Settings))
"""Section name → its type, in the order they are documented."""

KEYS: Mapping[str, Key] = MappingProxyType({key.name: key for key in _keys()})
"""Every setting by its dotted name, in the order they are documented."""
