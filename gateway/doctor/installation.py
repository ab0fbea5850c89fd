"""What is examined: the settings of one gateway and the machine that it runs on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import SettingsError
from gateway.settings import LoadedSettings, Settings


@dataclass(frozen=True, slots=True)
class Installation:
    """What the command line knows; `loaded` is None where the settings are wrong.

    `secret_value` is the key for what is encrypted at rest where the environment has it, `key_file`
    the file that has it otherwise. `proxy_variables` are the usual environment variables for a
    proxy that are set, which the gateway does not heed.
    """

    settings_file: str | None
    loaded: LoadedSettings | None
    settings_error: SettingsError | None
    key_file: Path
    secret_value: str | None = field(repr=False)
    proxy_variables: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def settings(self) -> Settings:
        """Those in force; the defaults where they cannot be read."""
        return self.loaded.settings if self.loaded else Settings()

    @property
    def database(self) -> str:
        """What `open_database` opens."""
        tenant = self.settings.tenant
        return tenant.database_url or tenant.db_path
