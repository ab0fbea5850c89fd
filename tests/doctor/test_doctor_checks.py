"""What each check of the doctor makes of a machine in some state or other."""

import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import update

from gateway.doctor.configuration import check_settings
from gateway.doctor.examination import examine
from gateway.doctor.findings import Finding, Report
from gateway.doctor.installation import Installation
from gateway.doctor.network import Host, Visit, check_clock, check_proxy, hint_of, hosts_of, visit
from gateway.doctor.port import check_port
from gateway.errors import SettingsError
from gateway.settings import ServerSettings, Settings, load_settings, resolve_settings
from gateway.settings.schema import AuthSettings
from gateway.simulator.server import RunningSimulator, serve_in_thread
from gateway.store.accounts import (
    create_account,
    get_account,
    save_credentials,
    set_account_enabled,
)
from gateway.store.cooldowns import Cooldown, Kind, store_cooldowns
from gateway.store.database import open_database
from gateway.store.secrets import SecretBox, new_key, open_secrets, parse_keys
from gateway.store.tables import SCHEMA_REVISION, accounts
from gateway.upstream.http import HttpClients
from gateway.upstream.signin.refresh import RefreshUrls
from tests.harness import ACCOUNTS, credentials_of, seed_store
from tests.sample_store import NOW, add_account, open_sample
from tests.sign_in_service import Answer, sign_in_service

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


def installation(
    folder: Path, upstream: str = "http://127.0.0.1:9", extra: str = "", **more: Any
) -> Installation:
    """A gateway in a folder whose service is at `upstream`; `extra` goes into its settings."""
    urls = "".join(
        f"  {name}_url: {upstream}\n"
        for name in ("runtime", "management", "oidc", "auth", "portal")
    )
    text = f"""
server:
  host: 127.0.0.1
  port: {more.pop("port", None) or free_port()}
tenant:
  db_path: {folder / "gateway.db"}
upstream:
{urls}{extra}"""
    loaded = resolve_settings(text, {}, {}, source="config.yaml")
    return Installation(
        settings_file="config.yaml",
        loaded=loaded,
        settings_error=None,
        key_file=folder / "secret.key",
        secret_value=None,
        **more,
    )


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def report_of(made: Installation, *, live: bool = False) -> Report:
    told: list[Finding] = []
    report = await examine(made, told.append, live=live)
    assert list(report.findings) == told
    assert report.ok == all(one.status != "problem" for one in told)
    for one in told:
        assert one.says.endswith((".", "!", "?")), one
        assert one.status != "warning" or one.mend or one.area == "settings", one
    return report


def told_of(report: Report, area: str, subject: str = "") -> Finding:
    (found,) = [
        one
        for one in report.findings
        if one.area == area and (not subject or one.subject == subject)
    ]
    return found


def problems(report: Report) -> list[tuple[str, str]]:
    return [(one.area, one.subject) for one in report.findings if one.status == "problem"]


@asynccontextmanager
async def seeded(folder: Path, upstream: str, **more: Any) -> AsyncIterator[Installation]:
    """An installation with the simulator's accounts and one API key."""
    made = installation(folder, upstream, **more)
    async with open_database(made.database, open_secrets(None, made.key_file)) as database:
        await seed_store(database, upstream)
    yield made


# --- nothing works, nothing is there


async def test_before_the_first_start_nothing_is_made_and_everything_is_told(
    tmp_path: Path,
) -> None:
    report = await report_of(installation(tmp_path))
    assert told_of(report, "database").says.endswith("is made at the first start.")
    assert told_of(report, "account").status == "skipped"
    assert told_of(report, "clock").status == "skipped"
    assert problems(report) == [("host", "127.0.0.1")]
    assert not any(tmp_path.glob("*"))  # noqa: ASYNC240  # an empty folder


async def test_settings_that_cannot_be_read_are_told_and_do_not_end_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings("server: {port: many}", {}, {})
    broken = replace(installation(tmp_path), loaded=None, settings_error=caught.value)
    findings = list(check_settings(broken))
    assert [one.status for one in findings] == ["problem"]
    assert "server.port" in findings[0].says
    assert findings[0].mend is not None


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        (Settings(), False),
        (Settings(auth=AuthSettings(admin_local_only=False)), True),
        (
            Settings(
                server=ServerSettings(host="127.0.0.1"), auth=AuthSettings(admin_local_only=False)
            ),
            False,
        ),
        (
            Settings(
                server=ServerSettings(trusted_proxies=("10.0.0.1",)),
                auth=AuthSettings(admin_local_only=False),
            ),
            False,
        ),
    ],
)
def test_an_admin_key_that_travels_unencrypted_is_warned_of(
    tmp_path: Path, settings: Settings, *, warned: bool
) -> None:
    made = installation(tmp_path)
    assert made.loaded is not None
    made = replace(made, loaded=replace(made.loaded, settings=settings))
    assert any("unencrypted" in one.says for one in check_settings(made)) is warned


def test_certificates_that_are_not_there_are_told(tmp_path: Path) -> None:
    made = installation(tmp_path)
    assert made.loaded is not None
    server = ServerSettings(tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem"))
    settings = msgspec.structs.replace(made.settings, server=server)
    made = replace(made, loaded=replace(made.loaded, settings=settings))
    assert [one.status for one in check_settings(made)] == ["ok", "problem", "problem"]


# --- the port


def on_port(port: int, host: str = "127.0.0.1") -> Settings:
    return Settings(server=ServerSettings(host=host, port=port))


async def test_a_port_that_is_free_is_free() -> None:
    port = free_port()
    assert (await check_port(on_port(port))).status == "ok"
    # And stays so.
    assert (await check_port(on_port(port))).status == "ok"


async def test_a_port_that_another_program_has_is_a_problem() -> None:
    async with sign_in_service() as other:
        port = int(other.url.rpartition(":")[2])
        finding = await check_port(on_port(port))
    assert (finding.status, "another program" in finding.says) == ("problem", True)
    assert "--port" in (finding.mend or "")


async def test_a_program_that_takes_the_port_and_says_nothing_is_another_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.doctor.port.LIMIT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        finding = await check_port(on_port(silent.getsockname()[1]))
    assert finding.status == "problem"


@pytest.mark.parametrize(("version", "status"), [("0.0.1", "warning"), (None, "ok")])
async def test_a_running_gateway_is_recognised_by_what_it_says(
    version: str | None, status: str
) -> None:
    from gateway import __version__  # what it would say itself

    async with sign_in_service() as running:
        told = {"name": "Kiro Gateway", "version": version or __version__}
        running.reply = lambda _: Answer(200, told)
        finding = await check_port(on_port(int(running.url.rpartition(":")[2])))
    assert finding.status == status
    assert finding.facts["running"] is True


async def test_an_address_of_another_machine_is_a_problem() -> None:
    finding = await check_port(on_port(free_port(), "192.0.2.1"))
    assert (finding.status, "server.host" in (finding.mend or "")) == ("problem", True)


# --- the database


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection
        connection.commit()


def dumped(path: Path) -> object:
    """What is in a database, or in what is none."""
    try:
        with raw(path) as db:
            return list(db.iterdump())
    except sqlite3.DatabaseError:
        return path.read_bytes()


def another_programs(path: Path) -> None:
    with raw(path) as db:
        db.execute("CREATE TABLE other (id INTEGER)")


def no_database(path: Path) -> None:
    path.write_bytes(b"this is no database, but long enough to be looked at as one" * 40)


def newer(path: Path) -> None:
    with raw(path) as db:
        db.execute("CREATE TABLE alembic_version (version_num TEXT)")
        db.execute("INSERT INTO alembic_version VALUES ('9999')")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (another_programs, "another program"),
        (no_database, "cannot be opened"),
        (newer, "newer version"),
    ],
)
async def test_a_database_that_cannot_be_used_is_told(
    tmp_path: Path, make: Callable[[Path], None], told: str
) -> None:
    make(tmp_path / "gateway.db")
    (tmp_path / "gateway.db").chmod(0o600)
    before = dumped(tmp_path / "gateway.db")
    report = await report_of(installation(tmp_path))
    finding = told_of(report, "database")
    assert (finding.status, told in finding.says) == ("problem", True)
    assert dumped(tmp_path / "gateway.db") == before
    assert not (tmp_path / "secret.key").exists()


async def test_an_older_schema_is_told_and_left_as_it_is(
    tmp_path: Path, simulator: RunningSimulator
) -> None:
    async with seeded(tmp_path, simulator.url) as made:
        with raw(tmp_path / "gateway.db") as db:
            db.execute("UPDATE alembic_version SET version_num = '0001'")
        report = await report_of(made)
    finding = told_of(report, "database")
    assert (finding.status, "db upgrade" in (finding.mend or "")) == ("warning", True)
    assert finding.facts == {"schema": "0001", "needed": SCHEMA_REVISION}
    with raw(tmp_path / "gateway.db") as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


async def test_a_secret_key_that_is_gone_is_told_and_no_other_is_made(
    tmp_path: Path, simulator: RunningSimulator
) -> None:
    async with seeded(tmp_path, simulator.url) as made:
        made.key_file.unlink()
        report = await report_of(made)
    assert ("secret key", "") in problems(report)
    assert "Put back the file" in (told_of(report, "secret key").mend or "")
    assert not made.key_file.exists()


async def test_a_secret_key_of_another_database_is_told(
    tmp_path: Path, simulator: RunningSimulator
) -> None:
    async with seeded(tmp_path, simulator.url) as made:
        report = await report_of(replace(made, secret_value=new_key()))
    finding = told_of(report, "secret key")
    assert (finding.status, "another key" in finding.says) == ("problem", True)


async def test_a_database_without_secrets_needs_no_key_yet(tmp_path: Path) -> None:
    made = installation(tmp_path)
    async with open_database(made.database, SecretBox(*parse_keys(new_key(), source="test"))):
        pass
    report = await report_of(made)
    assert told_of(report, "secret key").status == "ok"
    assert not made.key_file.exists()
    assert told_of(report, "account").says == "There is none yet."
    assert told_of(report, "api keys").status == "warning"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
async def test_a_database_that_others_may_read_is_told(
    tmp_path: Path, simulator: RunningSimulator
) -> None:
    async with seeded(tmp_path, simulator.url) as made:
        (tmp_path / "gateway.db").chmod(0o644)
        report = await report_of(made)
    told = [one for one in report.findings if one.area == "database"]
    assert [one.status for one in told] == ["warning", "ok"]


# --- the network


async def test_a_name_without_address_is_told_with_a_hint_of_the_proxy() -> None:
    host = Host("https://q.us-east-1.invalid", None, ("requests",))
    clients = HttpClients("test")
    hint = hint_of({"HTTPS_PROXY": "http://proxy"}, None)
    found = await visit(host, clients, hint=hint)
    await clients.aclose()
    assert (found.finding.status, "no address" in found.finding.says) == ("problem", True)
    assert "HTTPS_PROXY is set here" in (found.finding.mend or "")


def test_a_proxy_that_the_gateway_knows_needs_no_hint() -> None:
    assert hint_of({"HTTPS_PROXY": "http://proxy"}, "http://proxy") == ""
    assert hint_of({}, None) == ""


async def test_a_host_that_speaks_no_tls_is_told(simulator: RunningSimulator) -> None:
    host = Host(simulator.url.replace("http:", "https:"), None, ("requests",))
    clients = HttpClients("test")
    found = await visit(host, clients)
    await clients.aclose()
    assert (found.finding.status, "TLS" in found.finding.says) == ("problem", True)
    assert "SSL_CERT_FILE" in (found.finding.mend or "")


async def test_a_proxy_is_connected_to(simulator: RunningSimulator) -> None:
    assert (await check_proxy(simulator.url)).status == "ok"
    refused = await check_proxy("http://user:hush@127.0.0.1:9")
    assert (refused.status, "hush" in repr(refused)) == ("problem", False)


@pytest.mark.parametrize(
    ("ahead", "status"),
    [(0, "ok"), (50, "ok"), (-50, "ok"), (90, "warning"), (-90, "warning"), (7200, "problem")],
)
async def test_the_clock_is_compared_to_that_of_the_hosts(ahead: float, status: str) -> None:
    async with sign_in_service() as service:
        theirs = datetime.now(UTC) - timedelta(seconds=ahead)
        date = {"date": format_datetime(theirs, usegmt=True)}
        service.reply = lambda _: Answer(404, {}, date)
        clients = HttpClients("test")
        found = await visit(Host(service.url, None, ("requests",)), clients)
        await clients.aclose()
    assert found.finding.status == "ok"
    finding = check_clock([found, Visit(found.finding, None)])
    assert finding.status == status
    if status != "ok":
        assert ("ahead of" if ahead > 0 else "behind") in finding.says


async def test_the_hosts_are_those_of_the_accounts(tmp_path: Path) -> None:
    urls = RefreshUrls(
        oidc="https://oidc.{region}.amazonaws.com",
        auth="https://prod.us-east-1.auth.desktop.kiro.dev",
    )
    settings = Settings().upstream
    async with open_sample(tmp_path) as database:
        account = await add_account(
            database,
            "work",
            credentials_of(ACCOUNTS["organisation"], "", NOW),
            auth_region="eu-west-1",
            profile_arn=ACCOUNTS["organisation"].profile_arn,
        )
    hosts = {host.url for host in hosts_of([account], settings, urls, None)}
    assert "https://oidc.eu-west-1.amazonaws.com" in hosts
    assert all("eu-central-1" in host or "oidc" in host for host in hosts)
    # Where there is no account yet, those that the first one needs.
    usual = hosts_of([], settings, urls, "http://proxy:3128")
    assert {host.proxy for host in usual} == {"http://proxy:3128"}
    assert any("us-east-1" in host.url for host in usual)


# --- accounts


async def test_when_all_is_well_nothing_is_to_be_mended(
    tmp_path: Path, simulator: RunningSimulator
) -> None:
    async with seeded(tmp_path, simulator.url) as made:
        report = await report_of(made)
    assert [one for one in report.findings if one.status != "ok"] == []
    for name in ACCOUNTS:
        for part in ("token", "profile", "quota", "models"):
            assert told_of(report, "account", f"{name}, {part}").status == "ok"
    profile = told_of(report, "account", "organisation, profile")
    assert profile.says == "It is served in eu-central-1, as its profile says."
    json = msgspec.json.encode(report).decode()
    for account in ACCOUNTS.values():
        for secret in (account.access_token, account.refresh_token, account.api_key):
            assert secret is None or secret not in json


async def test_a_live_question_is_asked_of_each_account(
    tmp_path: Path, simulator: RunningSimulator
) -> None:
    async with seeded(tmp_path, simulator.url) as made:
        report = await report_of(made, live=True)
    for name in ACCOUNTS:
        finding = told_of(report, "account", f"{name}, live")
        assert (finding.status, "answered in" in finding.says) == ("ok", True)
        assert finding.facts["credits"]


async def test_a_token_that_only_looks_good_is_told_once(tmp_path: Path) -> None:
    with serve_in_thread() as simulator:
        async with seeded(tmp_path, simulator.url) as made:
            async with (
                open_database(made.database, open_secrets(None, made.key_file)) as database,
                database.begin() as db,
            ):
                rows = {row.name: row.id for row in await db.execute(accounts.select())}
                for name in ("social", "organisation"):
                    good = credentials_of(ACCOUNTS[name], simulator.url, datetime.now(UTC))
                    await save_credentials(
                        db,
                        database.secrets,
                        rows[name],
                        replace(good, access_token="aoaSIM-of-old", refresh_token="aorSIM-of-old"),
                        auth_method=ACCOUNTS[name].auth_method,
                        profile_arn=None,
                        expected_generation=None,
                        now=NOW,
                    )
            report = await report_of(made)
    for name in ("social", "organisation"):
        (finding,) = (one for one in report.findings if str(one.subject).startswith(name))
        assert (finding.subject, finding.status) == (f"{name}, token", "problem")
        assert "has to be signed in again" in finding.says


async def test_what_is_wrong_with_an_account_is_told(tmp_path: Path) -> None:
    with serve_in_thread() as simulator:
        async with seeded(tmp_path, simulator.url) as made:
            async with (
                open_database(made.database, open_secrets(None, made.key_file)) as database,
                database.begin() as db,
            ):
                rows = {row.name: row.id for row in await db.execute(accounts.select())}
                await create_account(db, database.secrets, name="empty", now=NOW)
                await set_account_enabled(db, rows["key"], enabled=False, now=NOW)
                ended = replace(
                    credentials_of(ACCOUNTS["social"], simulator.url, NOW),
                    refresh_token="aorSIMULATED-of-another-time",
                    expires_at=NOW,
                )
                registered = replace(
                    credentials_of(ACCOUNTS["builder"], simulator.url, datetime.now(UTC)),
                    client_expires_at=datetime.now(UTC) + timedelta(days=3),
                )
                for name, credentials in (("social", ended), ("builder", registered)):
                    await save_credentials(
                        db,
                        database.secrets,
                        rows[name],
                        credentials,
                        auth_method=ACCOUNTS[name].auth_method,
                        profile_arn=ACCOUNTS[name].profile_arn,
                        expected_generation=None,
                        now=NOW,
                    )
                await db.execute(
                    update(accounts)
                    .where(accounts.c.name == "organisation")
                    .values(profile_arn=None)
                )
            order = {"account": "external", "used": 1_000_000.0}
            async with httpx.AsyncClient() as http:
                answer = await http.put(simulator.url + "/_sim/credits", json=order)
                assert answer.status_code == 200, answer.text
            report = await report_of(made)
    assert told_of(report, "account", "key").status == "skipped"
    assert "kiro-gateway accounts import empty" in (told_of(report, "account", "empty").mend or "")
    token = told_of(report, "account", "social, token")
    assert (token.status, "has to be signed in again" in token.says) == ("problem", True)
    sign_in = told_of(report, "account", "builder, sign-in")
    assert (sign_in.status, "registration ends on" in sign_in.says) == ("warning", True)
    # Its profile has been found on the way.
    profile = told_of(report, "account", "organisation, profile")
    assert profile.says == "It is served in eu-central-1, as its profile says."
    quota = told_of(report, "account", "external, quota")
    assert (quota.status, "begins anew on" in quota.says) == ("problem", True)
    assert not report.ok


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        ("suspended", "problem", "Kiro has suspended it."),
        ("rate", "warning", "It has had too many requests for claude-sonnet-4.5. That passes on "),
        ("daily", "problem", "Its quota is used up"),
    ],
)
async def test_what_the_gateway_holds_against_an_account_is_told(
    tmp_path: Path, simulator: RunningSimulator, kind: Kind, status: str, told: str
) -> None:
    async with seeded(tmp_path, simulator.url) as made:
        now = datetime.now(UTC)
        async with open_database(made.database, open_secrets(None, made.key_file)) as database:
            async with database.connect() as db:
                account = await get_account(db, database.secrets, "social")
            held = Cooldown(
                account.id,
                kind,
                now,
                None if kind == "suspended" else now + timedelta(hours=1),
                "claude-sonnet-4.5" if kind == "rate" else "",
                1,
                account.generation,
            )
            async with database.begin() as db:
                await store_cooldowns(db, {held.key: held})
        report = await report_of(made)
    finding = told_of(report, "account", "social, state")
    assert (finding.status, finding.says.startswith(told)) == (status, True)
    assert finding.mend


async def test_an_account_whose_live_question_fails_is_told(tmp_path: Path) -> None:
    with serve_in_thread() as simulator:
        async with seeded(tmp_path, simulator.url) as made:
            from gateway.simulator.scenarios import SCENARIOS, Armed  # only here

            simulator.state.shelf.arm(
                Armed(SCENARIOS["suspended"], operation="generate", left=None, account="social")
            )
            report = await report_of(made, live=True)
    assert problems(report) == [("account", "social, live")]
    assert "suspended" in told_of(report, "account", "social, live").says
