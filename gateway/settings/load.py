"""Defaults, file, environment and flags become one `Settings`, and each value knows its origin."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import get_args, get_origin

from gateway.errors import SettingsError
from gateway.settings.constraints import PATH, is_loopback_host, split_url
from gateway.settings.schema import KEYS, SECTIONS, Key, Section, Settings
from gateway.settings.values import BadValue, parse_text, shape_of

PREFIX = "KIRO_GATEWAY_"
NOT_KEYS = frozenset({PREFIX + name for name in ("CONFIG", "SECRET_KEY", "RELEASES_URL")})
# A Kubernetes service called "kiro-gateway" puts these into every pod beside it.
KUBERNETES = re.compile(PREFIX + r"(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_\w+)?)")

SHORT_NAMES: Mapping[str, str] = {
    "HOST": "server.host",
    "PORT": "server.port",
    "LOG_LEVEL": "server.log_level",
    "LOG_FORMAT": "server.log_format",
    "ADMIN_KEY": "auth.admin_key",
    "ADMIN_LOCAL_ONLY": "auth.admin_local_only",
    "NO_HEALTH_CHECK": "defaults.health_check_enabled",
    "HEALTH_CHECK_INTERVAL": "defaults.health_check_seconds",
    "FIRST_TOKEN_TIMEOUT": "defaults.first_token_timeout_seconds",
    "FIRST_TOKEN_MAX_RETRIES": "defaults.first_token_max_retries",
    "MAX_PAYLOAD_BYTES": "defaults.max_payload_bytes",
    "AUTO_TRIM_PAYLOAD": "defaults.auto_trim_payload",
    "DB_PATH": "tenant.db_path",
}
"""Environment variables that are believed only when there is no file."""

NEGATED = "NO_HEALTH_CHECK"

FLAGS: Mapping[str, str] = {
    "server.host": "--host",
    "server.port": "--port",
    "server.log_level": "--log-level",
    "server.log_format": "--log-format",
    "auth.admin_key": "--admin-key",
    "auth.admin_local_only": "--admin-local-only",
    "defaults.health_check_enabled": "--no-health-check",
    "defaults.health_check_seconds": "--health-check-interval",
    "defaults.first_token_timeout_seconds": "--first-token-timeout",
    "defaults.first_token_max_retries": "--first-token-max-retries",
    "defaults.max_payload_bytes": "--max-payload-bytes",
    "defaults.auto_trim_payload": "--auto-trim-payload",
    "tenant.db_path": "--db-path",
}
"""Dotted name → the flag that sets it."""

UPSTREAM_URLS = tuple(name for name in KEYS if re.fullmatch(r"upstream\.\w+_url", name))


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings with their history.

    `origins` names for every dotted key where its value came from: `default`,
    `config.yaml, line 3`, `environment variable KIRO_GATEWAY_SERVER_PORT` or `flag --port`.
    `warnings` are sentences worth showing that stop nothing.
    """

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...]


def load_settings(
    text: str,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    *,
    source: str = "config.yaml",
) -> Settings:
    """Give the settings alone; see `resolve_settings`."""
    return resolve_settings(text, environ, flags, source=source).settings


def resolve_settings(
    text: str,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    *,
    source: str = "config.yaml",
) -> LoadedSettings:
    """Merge everything that says something about settings.

    `text` is the file's YAML, empty when no file is used; `source` is its name in messages.
    `flags` maps dotted names to values, None meaning that the flag was not given.

    Raises:
        SettingsError: unknown keys or bad values; one line for each, naming key and source.
    """
    collector = _Collector(environ)
    if text:
        collector.add_file(text, source)
    else:
        for variable, name in SHORT_NAMES.items():
            collector.add_variable(variable, KEYS[name])
    for key in KEYS.values():
        collector.add_variable(key.variable, key)
    for name, value in flags.items():
        if value is not None:
            collector.add(KEYS[name], str(value), f"flag {FLAGS.get(name, name)}")
    collector.raise_problems()
    origins = dict.fromkeys(KEYS, "default") | collector.origins
    settings = _assemble(collector.values, environ)
    if problems := list(_contradictions(settings, origins)):
        raise SettingsError("\n".join(problems))
    return LoadedSettings(settings, origins, tuple(_unknown_variables(environ)))


@dataclass(slots=True)
class _Collector:
    """What was said about each setting; what is added later wins."""

    environ: Mapping[str, str]
    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add_file(self, text: str, source: str) -> None:
        from gateway.settings.yaml_file import YamlReader  # noqa: PLC0415  # 20 ms, seldom needed

        reader = YamlReader(source, self.environ)
        for name, found in reader.read(text).items():
            self.values[name], self.origins[name] = found.value, found.origin
        self.problems += reader.problems

    def add_variable(self, variable: str, key: Key) -> None:
        # Compose files pass `${UNSET}` on as an empty text: that is no wish.
        if text := self.environ.get(variable):
            self.add(key, text, f"environment variable {variable}")
            if variable == NEGATED and key.name in self.values:
                self.values[key.name] = not self.values[key.name]

    def add(self, key: Key, text: str, origin: str) -> None:
        try:
            self.values[key.name] = self._parse(key, text, origin)
            self.origins[key.name] = origin
        except BadValue as exc:
            self.problems.append(f"{key.name} ({origin}): {exc}")

    def _parse(self, key: Key, text: str, origin: str) -> object:
        base = shape_of(key.hint).type
        item = get_args(base)[0] if get_origin(base) is tuple else None
        if not (isinstance(item, type) and issubclass(item, Section)):
            return parse_text(text, key.hint, self.environ)
        # Channels have members of their own, which commas cannot tell apart: JSON it is.
        from gateway.settings.yaml_file import YamlReader  # noqa: PLC0415  # as above

        reader = YamlReader(origin, self.environ)
        value = reader.read_value(text, key.hint, key.name)
        self.problems += reader.problems
        return value

    def raise_problems(self) -> None:
        if self.problems:
            raise SettingsError("\n".join(self.problems))


def _assemble(values: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    sections: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
    for name, key in KEYS.items():
        section, _, field_name = name.partition(".")
        sections[section][field_name] = _at_home(values.get(name, key.default), key, environ)
    built = {section: SECTIONS[section](**members) for section, members in sections.items()}
    return Settings(**built)  # type: ignore[arg-type]  # SECTIONS was made from its fields


def _at_home(value: object, key: Key, environ: Mapping[str, str]) -> object:
    if not isinstance(value, str) or PATH not in shape_of(key.hint).markers:
        return value
    home = environ.get("HOME") or environ.get("USERPROFILE")
    if home and (value == "~" or value.startswith(("~/", "~\\"))):
        return str(PurePath(home, value[2:]))
    return value


def _contradictions(settings: Settings, origins: Mapping[str, str]) -> Iterator[str]:
    server, tenant, upstream = settings.server, settings.tenant, settings.upstream
    if (server.tls_cert is None) != (server.tls_key is None):
        there, missing = ("tls_cert", "tls_key") if server.tls_cert else ("tls_key", "tls_cert")
        yield f"server.{missing}: is needed beside server.{there} ({origins[f'server.{there}']})"
    if tenant.database_url and origins["tenant.db_path"] != "default":
        yield (
            f"tenant.database_url ({origins['tenant.database_url']}) and tenant.db_path "
            f"({origins['tenant.db_path']}) exclude each other: set one of them"
        )
    for name in UPSTREAM_URLS:
        url = getattr(upstream, name.removeprefix("upstream."))
        parts = split_url(url.replace("{region}", "us-east-1"))
        host = parts.hostname if parts and parts.hostname else ""
        if url.startswith("http:") and not (
            is_loopback_host(host) or host in upstream.allowed_private_hosts
        ):
            yield (
                f"{name} ({origins[name]}): plain http is allowed for this machine and for hosts "
                f"in upstream.allowed_private_hosts; use https or add {host} there"
            )


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    known = NOT_KEYS | {key.variable for key in KEYS.values()}
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in known:
            if KUBERNETES.fullmatch(variable):
                continue
            import difflib  # noqa: PLC0415  # for a message that is seldom written

            close = difflib.get_close_matches(variable, known, n=1, cutoff=0.7)
            hint = f"; did you mean {close[0]}?" if close else ""
            yield f"environment variable {variable} is no setting{hint}"
