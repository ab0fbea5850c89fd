"""Everything an operator can set, typed and with its default; loaded once, frozen."""

from gateway.settings.load import LoadedSettings, load_settings, resolve_settings
from gateway.settings.schema import (
    AuthSettings,
    DefaultsSettings,
    LogFormat,
    LogLevel,
    MetricsSettings,
    NotificationChannel,
    NotificationSettings,
    ServerSettings,
    Settings,
    TenantSettings,
    UpstreamSettings,
)

__all__ = [
    "AuthSettings",
    "DefaultsSettings",
    "LoadedSettings",
    "LogFormat",
    "LogLevel",
    "MetricsSettings",
    "NotificationChannel",
    "NotificationSettings",
    "ServerSettings",
    "Settings",
    "TenantSettings",
    "UpstreamSettings",
    "load_settings",
    "resolve_settings",
]
