import re
from pathlib import Path

import pytest

from gateway.settings import Settings, load_settings, resolve_settings
from gateway.settings.example import example_config, shown_settings
from gateway.settings.schema import KEYS, Key

EXAMPLE = Path(__file__).parents[1] / "config.example.yaml"


def test_the_example_file_is_the_one_that_the_settings_give() -> None:
    assert EXAMPLE.read_text() == example_config(), "run: kiro-gateway config init --force"


def test_the_example_loads_and_says_what_the_defaults_say() -> None:
    assert load_settings(example_config(), {}, {}) == Settings()


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_the_example_explains_every_setting(key: Key) -> None:
    section, name = key.name.split(".")
    inside = EXAMPLE.read_text().partition(f"\n{section}:\n")[2].partition("\n\n")[0].splitlines()
    (at,) = (i for i, line in enumerate(inside) if re.match(rf"  (# )?{name}: \S", line))
    comment = " ".join(line.removeprefix("  # ") for line in inside[:at])
    assert key.description in comment


def test_every_setting_without_a_default_can_be_uncommented() -> None:
    lines = example_config().splitlines()
    names = {key.name.split(".")[1] for key in KEYS.values() if key.example is not None}
    active = [
        line.replace("# ", "", 1) if line.strip(" #").split(":")[0] in names else line
        for line in lines
        # One database or the other.
        if not line.startswith("  db_path:")
    ]
    loaded = resolve_settings("\n".join(active), {}, {})
    for key in KEYS.values():
        if key.example is not None:
            assert loaded.origins[key.name].startswith("config.yaml, line"), key.name


def test_a_chosen_value_stands_where_the_default_would() -> None:
    text = example_config({"tenant.db_path": "C:\\data\\x.db"})
    assert load_settings(text, {}, {}).tenant.db_path == "C:\\data\\x.db"


def test_what_is_shown_has_every_setting_and_no_secret() -> None:
    text = (
        "auth: {admin_key: hush}\n"
        "notifications: {channels: [{type: slack, url: https://hush.example, name: ops}]}\n"
    )
    shown = shown_settings(resolve_settings(text, {}, {}))
    assert set(shown) == set(KEYS)
    assert shown["auth.admin_key"] == "***"
    assert shown["tenant.database_url"] is None
    assert "hush" not in repr(shown)
