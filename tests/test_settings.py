from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import (
    AuthSettings,
    NotificationChannel,
    NotificationSettings,
    Settings,
    TenantSettings,
    UpstreamSettings,
    load_settings,
    resolve_settings,
)
from gateway.settings.load import FLAGS, SHORT_NAMES
from gateway.settings.schema import KEYS, Key

HOME = {"HOME": "/home/ada"}


def problem(
    text: str = "", environ: dict[str, str] | None = None, flags: dict[str, object] | None = None
) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(text, environ or {}, flags or {})
    return str(caught.value)


def test_nothing_said_means_the_documented_defaults() -> None:
    assert load_settings("", {}, {}) == Settings()


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("server.host", "0.0.0.0"),
        ("server.port", 8080),
        ("server.max_request_bytes", 33554432),
        ("server.drain_timeout_seconds", 30),
        ("auth.admin_key", None),
        ("auth.admin_local_only", True),
        ("defaults.health_check_enabled", True),
        ("defaults.first_token_timeout_seconds", 15),
        ("defaults.first_token_max_retries", 3),
        ("defaults.idle_timeout_seconds", 300),
        ("defaults.max_payload_bytes", 600000),
        ("defaults.auto_trim_payload", False),
        ("defaults.tool_streaming", "buffered"),
        ("defaults.history_thinking", "native"),
        ("tenant.db_path", "~/.kiro-gateway/kiro-gateway.db"),
        ("tenant.usage_retention_days", 400),
        ("tenant.request_log_days", 30),
        ("upstream.runtime_url", "https://q.{region}.amazonaws.com"),
        ("upstream.portal_url", "https://app.kiro.dev"),
        ("upstream.origin", "AI_EDITOR"),
        ("upstream.optout", True),
        ("notifications.account_thresholds", (90, 100)),
        ("notifications.check_interval_seconds", 600),
    ],
    ids=str,
)
def test_a_default_is_what_operators_were_promised(name: str, default: object) -> None:
    assert KEYS[name].default == default


def test_a_file_that_leaves_health_checks_out_keeps_them_on() -> None:
    settings = load_settings("defaults:\n  health_check_seconds: 30\n", {}, {})
    assert settings.defaults.health_check_enabled is True


def test_flags_win_over_the_environment_over_the_file_over_defaults() -> None:
    text = "server:\n  host: file\n  port: 1001\n  log_level: error\n"
    environ = {"KIRO_GATEWAY_SERVER_PORT": "1002", "KIRO_GATEWAY_SERVER_LOG_LEVEL": "warning"}
    loaded = resolve_settings(text, environ, {"server.log_level": "debug"})
    server = loaded.settings.server
    assert (server.host, server.port, server.log_level) == ("file", 1002, "debug")
    assert loaded.origins["server.host"] == "config.yaml, line 2"
    assert loaded.origins["server.port"] == "environment variable KIRO_GATEWAY_SERVER_PORT"
    assert loaded.origins["server.log_level"] == "flag --log-level"
    assert loaded.origins["server.log_format"] == "default"


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load_settings("server: {port: 9}", {}, {"server.port": None}).server.port == 9


def as_variable(key: Key) -> str:
    value = key.example or key.default
    if key.name == "notifications.channels":
        return "[]"
    return ",".join(map(str, value)) or "," if isinstance(value, tuple | dict) else str(value)


# Each of these two cannot be set alone.
TOGETHER = {"server.tls_cert": "server.tls_key", "server.tls_key": "server.tls_cert"}


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_every_setting_has_an_environment_variable(key: Key) -> None:
    variable = "KIRO_GATEWAY_" + key.name.upper().replace(".", "_")
    environ = {variable: as_variable(key)}
    if other := TOGETHER.get(key.name):
        environ[KEYS[other].variable] = "/some/file"
    loaded = resolve_settings("", environ, {})
    assert loaded.origins[key.name] == f"environment variable {variable}"
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [("10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")), ("10.0.0.1,", ("10.0.0.1",)), (" , ", ())],
    ids=["two", "comma at the end", "none"],
)
def test_a_list_in_the_environment_has_commas(text: str, value: tuple[str, ...]) -> None:
    settings = load_settings("", {"KIRO_GATEWAY_SERVER_TRUSTED_PROXIES": text}, {})
    assert settings.server.trusted_proxies == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("YES", True), ("false", False), ("0", False), ("no", False)],
)
def test_a_switch_in_the_environment_has_many_spellings(text: str, value: bool) -> None:
    settings = load_settings("", {"KIRO_GATEWAY_AUTH_ADMIN_LOCAL_ONLY": text}, {})
    assert settings.auth.admin_local_only is value


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("600000", 600000), ("64KiB", 65536), ("32 MiB", 33554432), ("1gib", 1 << 30)],
)
@pytest.mark.parametrize("where", ["file", "environment", "flag"])
def test_a_size_may_have_a_unit(text: str, value: int, where: str) -> None:
    name = "defaults.max_payload_bytes"
    file = f"defaults: {{max_payload_bytes: {text}}}" if where == "file" else ""
    environ = {KEYS[name].variable: text} if where == "environment" else {}
    flags = {name: text} if where == "flag" else {}
    assert load_settings(file, environ, flags).defaults.max_payload_bytes == value


def test_a_mapping_in_the_environment_has_equal_signs() -> None:
    environ = {"KIRO_GATEWAY_DEFAULTS_FIRST_TOKEN_TIMEOUTS": "claude-opus-4.5=90, auto=0"}
    settings = load_settings("", environ, {})
    assert settings.defaults.first_token_timeouts == {"claude-opus-4.5": 90, "auto": 0}


def test_channels_in_the_environment_are_json() -> None:
    environ = {
        "KIRO_GATEWAY_NOTIFICATIONS_CHANNELS": '[{"type": "slack", "url": "https://${HOOK}"}]',
        "HOOK": "hooks.example.com/x",
    }
    channel = NotificationChannel(type="slack", url="https://hooks.example.com/x")
    assert load_settings("", environ, {}).notifications.channels == (channel,)


def test_an_empty_variable_is_no_wish() -> None:
    settings = load_settings("auth: {admin_key: k}", {"KIRO_GATEWAY_AUTH_ADMIN_KEY": ""}, {})
    assert settings.auth.admin_key == "k"


SHORT = {
    "HOST": ("127.0.0.1", "127.0.0.1"),
    "PORT": ("9000", 9000),
    "LOG_LEVEL": ("DEBUG", "debug"),
    "LOG_FORMAT": ("json", "json"),
    "ADMIN_KEY": ("k", "k"),
    "ADMIN_LOCAL_ONLY": ("false", False),
    "NO_HEALTH_CHECK": ("true", False),
    "HEALTH_CHECK_INTERVAL": ("5", 5),
    "FIRST_TOKEN_TIMEOUT": ("7.5", 7.5),
    "FIRST_TOKEN_MAX_RETRIES": ("0", 0),
    "MAX_PAYLOAD_BYTES": ("0", 0),
    "AUTO_TRIM_PAYLOAD": ("1", True),
    "DB_PATH": ("/data/x.db", "/data/x.db"),
}


@pytest.mark.parametrize("variable", SHORT_NAMES)
def test_a_short_name_counts_only_without_a_file(variable: str) -> None:
    text, expected = SHORT[variable]
    section, name = SHORT_NAMES[variable].split(".")
    with_file = load_settings("metrics: {}", {variable: text}, {})
    without = load_settings("", {variable: text}, {})
    assert getattr(getattr(without, section), name) == expected
    assert with_file == Settings()


def test_a_long_name_wins_over_a_short_one() -> None:
    environ = {"PORT": "9000", "KIRO_GATEWAY_SERVER_PORT": "9001"}
    assert load_settings("", environ, {}).server.port == 9001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "server:\n  port: 99999",
            'server.port (config.yaml, line 2): "99999" is not a whole number from 1 to 65535',
        ),
        (
            "server:\n\n  log_level: loud",
            (
                'server.log_level (config.yaml, line 3): "loud" is not one of debug, info, '
                "warning, error"
            ),
        ),
        (
            "server: {prot: 1}",
            "server.prot (config.yaml, line 1): no such setting; did you mean server.port?",
        ),
        ("port: 8080", "port (config.yaml, line 1): no such setting; did you mean server.port?"),
        (
            "metrics: {who: []}",
            "metrics.who (config.yaml, line 1): no such setting; known here: allowed_networks",
        ),
        (
            "server:\n  port: 1\n  port: 2",
            "server.port (config.yaml, line 3): stands twice, first in line 2",
        ),
        (
            "defaults: {auto_trim_payload: maybe}",
            'defaults.auto_trim_payload (config.yaml, line 1): "maybe" is not true or false',
        ),
        (
            "server: {cors_origins: https://a.example}",
            (
                "server.cors_origins (config.yaml, line 1): must be a list, each item an origin "
                "such as https://admin.example.com (no path, no *)"
            ),
        ),
        (
            "defaults: {idle_timeout_seconds: .nan}",
            'defaults.idle_timeout_seconds (config.yaml, line 1): ".nan" is not a number above 0',
        ),
        (
            "upstream:\n  optout:",
            (
                "upstream.optout (config.yaml, line 2): has no value; leave it out, or give true "
                "or false"
            ),
        ),
        ("- a", "the file (config.yaml, line 1): must be a mapping of names to values"),
        ("server: [", "config.yaml, line 2: did not find expected node content"),
        ("a: 1\n---\nb: 2", "config.yaml, line 2: but found another document"),
    ],
)
def test_a_bad_file_is_told_with_key_line_and_what_is_allowed(text: str, expected: str) -> None:
    assert problem(text) == expected


def test_a_bad_variable_and_a_bad_flag_are_named() -> None:
    told = problem("", {"KIRO_GATEWAY_SERVER_PORT": "abc"}, {"server.port": "zzz"})
    assert told.splitlines() == [
        (
            "server.port (environment variable KIRO_GATEWAY_SERVER_PORT): "
            '"abc" is not a whole number from 1 to 65535'
        ),
        'server.port (flag --port): "zzz" is not a whole number from 1 to 65535',
    ]


def test_all_problems_are_told_at_once() -> None:
    assert len(problem("server: {port: x}\nauth: {keys: 1}\nnope: 2").splitlines()) == 3


def test_channel_members_are_checked_by_line() -> None:
    text = "notifications:\n  channels:\n    - type: fax\n      to: me\n    - {type: slack}\n"
    assert problem(text).splitlines() == [
        (
            'notifications.channels[0].type (config.yaml, line 3): "fax" is not one of teams, '
            "slack, webhook"
        ),
        (
            "notifications.channels[0].to (config.yaml, line 4): no such setting; "
            "known here: type, url, name"
        ),
        "notifications.channels[0] (config.yaml, line 3): needs url",
        "notifications.channels[1] (config.yaml, line 5): needs url",
    ]


def test_a_channel_url_whose_variable_is_missing_is_told() -> None:
    text = "notifications: {channels: [{type: teams, url: '${TEAMS_URL}'}]}"
    assert "${TEAMS_URL} is not set in the environment" in problem(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("upstream.runtime_url", "ftp://example.com"),
        ("upstream.runtime_url", "https://user:pw@example.com"),
        ("upstream.runtime_url", "https://q.{zone}.example.com"),
        ("upstream.runtime_url", "https://example.com/?a=b"),
        ("upstream.proxy", "socks4://localhost:1080"),
        ("upstream.user_agent", "line\x0bbreak"),
        ("server.trusted_proxies", "10.0.0.0/99"),
        ("server.cors_origins", "*"),
        ("server.cors_origins", "https://a.example/path"),
        ("auth.admin_hosts", "http://a.example"),
        ("tenant.database_url", "mysql://h/db"),
        ("tenant.database_url", "postgresql://h/"),
        ("tenant.database_url", "postgresql:///db"),
        ("notifications.timezone", "Mars/Olympus"),
        ("notifications.daily_times", "24:00"),
        ("notifications.account_thresholds", "0"),
        ("defaults.first_token_max_retries", "-1"),
        ("server.port", "0"),
    ],
)
def test_a_value_that_cannot_work_is_refused_before_the_start(key: str, value: str) -> None:
    assert problem("", {KEYS[key].variable: value}).startswith(f"{key} (environment variable")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("upstream.runtime_url", "http://127.0.0.1:9999/base"),
        ("upstream.runtime_url", "http://[::1]:9999"),
        ("upstream.oidc_url", "https://oidc.{region}.example.com"),
        ("upstream.proxy", "socks5://user:pw@proxy.example.com:1080"),
        ("tenant.database_url", "postgresql://u:p@h/db"),
        ("tenant.database_url", "postgres://h:5432/db?sslmode=require"),
        ("tenant.database_url", "postgresql://u@/db?host=%2Frun%2Fpostgresql"),
        ("notifications.timezone", "Europe/Berlin"),
    ],
)
def test_a_value_that_can_work_is_taken(key: str, value: str) -> None:
    section, name = key.split(".")
    settings = load_settings("", {KEYS[key].variable: value}, {})
    assert getattr(getattr(settings, section), name) == value


def test_plain_http_upstream_is_for_this_machine_and_listed_hosts() -> None:
    url = {"KIRO_GATEWAY_UPSTREAM_AUTH_URL": "http://kiro.internal:8000"}
    assert "upstream.auth_url" in problem("", url)
    assert "allowed_private_hosts" in problem("", url)
    listed = url | {"KIRO_GATEWAY_UPSTREAM_ALLOWED_PRIVATE_HOSTS": "kiro.internal"}
    assert load_settings("", listed, {}).upstream.auth_url == "http://kiro.internal:8000"


def test_a_database_is_named_one_way() -> None:
    text = "tenant: {db_path: a.db}"
    told = problem(text, {"KIRO_GATEWAY_TENANT_DATABASE_URL": "postgresql://u:pw@h/db"})
    assert "exclude each other" in told
    assert "config.yaml, line 1" in told
    assert "pw" not in told


def test_tls_needs_both_files() -> None:
    assert problem("server: {tls_cert: a.pem}").startswith("server.tls_key: is needed beside")


def test_a_leading_tilde_is_the_home_directory() -> None:
    settings = load_settings("server: {tls_cert: ~/c, tls_key: /k}", HOME, {})
    assert settings.server.tls_cert == str(Path("/home/ada/c"))
    assert settings.server.tls_key == "/k"
    assert settings.tenant.db_path == str(Path("/home/ada/.kiro-gateway/kiro-gateway.db"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("[18:00, 09:30]", ("18:00", "09:30")), ('["07:05"]', ("07:05",)), ("[]", ())],
)
def test_a_time_of_day_is_no_number_in_base_60(text: str, value: tuple[str, ...]) -> None:
    settings = load_settings(f"notifications: {{daily_times: {text}}}", {}, {})
    assert settings.notifications.daily_times == value


def test_a_number_as_admin_key_stays_the_text_that_was_written() -> None:
    assert load_settings("auth: {admin_key: 0123}", {}, {}).auth.admin_key == "0123"


def test_a_section_whose_lines_are_commented_out_is_fine() -> None:
    assert load_settings("server:\n  # port: 1\n", {}, {}) == Settings()


def test_json_is_yaml_too() -> None:
    assert load_settings('{"server": {"port": 81}}', {}, {}).server.port == 81


def test_an_unknown_variable_is_a_warning_with_a_suggestion() -> None:
    loaded = resolve_settings("", {"KIRO_GATEWAY_SERVRE_PORT": "1"}, {})
    assert loaded.warnings == (
        (
            "environment variable KIRO_GATEWAY_SERVRE_PORT is no setting; "
            "did you mean KIRO_GATEWAY_SERVER_PORT?"
        ),
    )


@pytest.mark.parametrize(
    "variable",
    [
        "KIRO_GATEWAY_CONFIG",
        "KIRO_GATEWAY_SECRET_KEY",
        "KIRO_GATEWAY_RELEASES_URL",
        "KIRO_GATEWAY_SERVICE_HOST",
        "KIRO_GATEWAY_SERVICE_PORT_HTTP",
        "KIRO_GATEWAY_PORT",
        "KIRO_GATEWAY_PORT_8080_TCP_ADDR",
    ],
)
def test_what_is_known_or_kubernetes_own_is_no_warning(variable: str) -> None:
    assert resolve_settings("", {variable: "tcp://10.0.0.1:8080"}, {}).warnings == ()


@pytest.mark.parametrize("name", FLAGS)
def test_every_flag_sets_an_existing_key(name: str) -> None:
    assert name in KEYS


def test_secrets_are_hidden_from_repr() -> None:
    settings = Settings(
        auth=AuthSettings(admin_key="hush-1"),
        tenant=TenantSettings(database_url="postgresql://u:hush-2@h/db"),
        upstream=UpstreamSettings(proxy="http://u:hush-3@h"),
        notifications=NotificationSettings(
            channels=(NotificationChannel(type="teams", url="https://hush-4"),)
        ),
    )
    assert "hush" not in repr(settings)
    assert repr(settings).count("'***'") == 4


def test_a_bad_secret_is_not_repeated() -> None:
    assert "hush" not in problem("", {"KIRO_GATEWAY_UPSTREAM_PROXY": "ftp://u:hush@h"})
