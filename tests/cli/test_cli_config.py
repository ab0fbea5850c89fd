import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.settings.example import example_config
from gateway.settings.schema import KEYS

Invoke = Callable[..., tuple[int, str, str]]


def test_init_writes_the_example_for_its_owner_alone_and_never_over_a_file(invoke: Invoke) -> None:
    assert invoke("config", "init") == (0, "Wrote config.yaml.\n", "")
    file = Path("config.yaml")
    assert file.read_text() == example_config()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("server: {port: 1}\n")
    code, _, err = invoke("config", "init")
    assert (code, err) == (1, "kiro-gateway: config.yaml exists already; --force replaces it.\n")
    assert file.read_text() == "server: {port: 1}\n"
    assert invoke("config", "init", "--force")[0] == 0
    assert file.read_text() == example_config()


def test_init_can_name_file_and_database(invoke: Invoke) -> None:
    assert invoke("config", "init", "-c", "deep/er/k.yaml", "--db-path", "data/k.db")[0] == 0
    assert "\n  db_path: data/k.db\n" in Path("deep/er/k.yaml").read_text()


def test_check_names_the_file_it_read(invoke: Invoke) -> None:
    Path("config.yaml").write_text("server: {port: 81}\n")
    assert invoke("config", "check") == (0, "config.yaml is fine.\n", "")


def test_check_tells_every_problem_on_a_line_of_its_own(invoke: Invoke) -> None:
    Path("config.yaml").write_text("server:\n  port: 0\nmetrics:\n  who: []\n")
    code, out, err = invoke("config", "check")
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert first.startswith("kiro-gateway: server.port (config.yaml, line 2): ")
    assert second.startswith("kiro-gateway: metrics.who (config.yaml, line 4): ")


def test_check_warns_of_unknown_variables_on_standard_error(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIRO_GATEWAY_SERVER_PROT", "1")
    code, out, err = invoke("config", "check", "--json")
    assert code == 0
    assert json.loads(out)["ok"] is True
    assert json.loads(out)["file"] is None
    assert "did you mean KIRO_GATEWAY_SERVER_PORT?" in err


@pytest.mark.parametrize("places", [1, 2, 3, 4], ids=["flag", "variable", "here", "home"])
def test_the_first_place_with_a_file_counts(
    places: int, invoke: Invoke, an_empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = an_empty_home / ".kiro-gateway"
    own.mkdir()
    files = [Path("flag.yaml"), Path("variable.yaml"), Path("config.yaml"), own / "config.yaml"]
    for port, file in enumerate(files, 1):
        if port >= places:
            file.write_text(f"server: {{port: {port}}}\n")
    if places <= 2:
        monkeypatch.setenv("KIRO_GATEWAY_CONFIG", "variable.yaml")
    flag = ("--config", "flag.yaml") if places == 1 else ()
    _, out, _ = invoke("config", "show", "--json", *flag)
    assert json.loads(out)["server.port"]["value"] == places


def test_an_empty_file_is_a_file_so_short_names_do_not_count(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "9000")
    shown = json.loads(invoke("config", "show", "--json")[1])
    assert shown["server.port"] == {"value": 9000, "from": "environment variable PORT"}
    Path("config.yaml").write_text("")
    shown = json.loads(invoke("config", "show", "--json")[1])
    assert shown["server.port"] == {"value": 8080, "from": "default"}


def test_show_tells_where_values_come_from_and_hides_secrets(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIRO_GATEWAY_AUTH_ADMIN_KEY", "hush")
    _, out, _ = invoke("config", "show", "--json", "--db-path", "x.db")
    shown = json.loads(out)
    assert list(shown) == list(KEYS)
    assert shown["auth.admin_key"] == {
        "value": "***",
        "from": "environment variable KIRO_GATEWAY_AUTH_ADMIN_KEY",
    }
    assert shown["tenant.db_path"] == {"value": "x.db", "from": "flag --db-path"}
    code, text, _ = invoke("config", "show")
    assert code == 0
    assert "hush" not in text
    assert len(text.splitlines()) == len(KEYS) + 1
