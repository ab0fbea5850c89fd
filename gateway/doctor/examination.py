"""The whole examination, from the settings to a live answer, whatever state things are in."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import anyio
import structlog

from gateway import __version__
from gateway.accounts.access import AccountAccess, open_accounts, refresh_urls
from gateway.accounts.selection import how_to_sign_in
from gateway.doctor.accounts import check_account
from gateway.doctor.configuration import check_settings
from gateway.doctor.findings import Area, Finding, Report, Tell
from gateway.doctor.installation import Installation
from gateway.doctor.network import Host, Visit, check_clock, check_proxy, hint_of, hosts_of, visit
from gateway.doctor.port import check_port
from gateway.doctor.storage import check_storage
from gateway.errors import GatewayError
from gateway.store.accounts import Account
from gateway.store.database import open_database
from gateway.store.secrets import SecretBox
from gateway.upstream.http import HttpClients

ACCOUNT_LIMIT = 120.0  # seconds for all that is asked about one account
AT_ONCE = 4  # accounts, as the gateway itself asks

log = structlog.get_logger("gateway.doctor")


async def examine(installation: Installation, tell: Tell, *, live: bool) -> Report:
    """Look at everything, and tell each finding as soon as it is there.

    Nothing is changed, but for what a running gateway does all the time: tokens that are about to
    end are renewed, and what the service says is stored. `live` asks each account's cheapest model
    a question.
    """
    examination = _Examination(installation, tell, live=live)
    await examination.run()
    findings = tuple(examination.findings)
    return Report(
        ok=all(one.status != "problem" for one in findings),
        version=__version__,
        at=datetime.now(UTC),
        findings=findings,
    )


class _Examination:
    def __init__(self, installation: Installation, tell: Tell, *, live: bool) -> None:
        self._installation = installation
        self._settings = installation.settings
        self._tell = tell
        self._live = live
        self.findings: list[Finding] = []

    async def run(self) -> None:
        for finding in check_settings(self._installation):
            self._add(finding)
        secrets: SecretBox | None = None
        if self._installation.loaded is None:
            unknown = "It is not known without the settings."
            self._add(Finding("port", "skipped", unknown))
            self._add(Finding("database", "skipped", unknown))
        else:
            await self._safely("port", self._port)
            secrets = await self._storage()
        await self._safely("account", lambda: self._beyond(secrets))

    async def _beyond(self, secrets: SecretBox | None) -> None:
        """What lies beyond this machine, as far as the accounts that are stored here lead there."""
        clients = HttpClients(self._settings.upstream.user_agent)
        try:
            async with self._accounts(secrets, clients) as access:
                accounts = list(access.directory.accounts) if access else []
                await self._safely("host", lambda: self._network(accounts, clients))
                if access is not None:
                    await self._safely("account", lambda: self._each_account(access))
                    self._api_keys(access)
        finally:
            await clients.aclose()

    async def _port(self) -> None:
        self._add(await check_port(self._settings))

    async def _storage(self) -> SecretBox | None:
        found: list[SecretBox | None] = [None]

        async def look() -> None:
            storage = await check_storage(self._installation)
            for finding in storage.findings:
                self._add(finding)
            found[0] = storage.secrets

        await self._safely("database", look)
        return found[0]

    @asynccontextmanager
    async def _accounts(
        self, secrets: SecretBox | None, clients: HttpClients
    ) -> AsyncIterator[AccountAccess | None]:
        if secrets is None:
            self._add(
                Finding("account", "skipped", "Accounts are looked at once the database is there.")
            )
            yield None
            return
        async with (
            open_database(self._installation.database, secrets) as database,
            anyio.create_task_group() as tasks,
        ):
            yield await open_accounts(database, clients, self._settings.upstream, tasks)
            tasks.cancel_scope.cancel()

    async def _network(self, accounts: Sequence[Account], clients: HttpClients) -> None:
        upstream = self._settings.upstream
        used = [one for one in accounts if one.enabled]
        hosts = hosts_of(used, upstream, refresh_urls(upstream), upstream.proxy)
        for proxy in dict.fromkeys(host.proxy for host in hosts if host.proxy):
            self._add(await check_proxy(proxy))
        hint = hint_of(self._installation.proxy_variables, upstream.proxy)
        visits: dict[Host, Visit] = {}

        async def see(host: Host) -> None:
            visits[host] = await visit(host, clients, hint=hint)

        async with anyio.create_task_group() as tasks:
            for host in hosts:
                tasks.start_soon(see, host)
        for host in hosts:
            self._add(visits[host].finding)
        self._add(check_clock(visits.values()))

    async def _each_account(self, access: AccountAccess) -> None:
        accounts = list(access.directory.accounts)
        if not accounts:
            self._add(
                Finding(
                    "account",
                    "warning",
                    "There is none yet.",
                    mend=how_to_sign_in("me"),
                )
            )
            return
        limiter = anyio.CapacityLimiter(AT_ONCE)
        found: dict[str, list[Finding]] = {}

        async def look(account: Account) -> None:
            mine = found.setdefault(account.id, [])
            async with limiter:
                with anyio.move_on_after(ACCOUNT_LIMIT) as scope:
                    await self._collect(account, access, mine)
                if scope.cancelled_caught:
                    says = f"What was asked took more than {ACCOUNT_LIMIT:.0f} seconds."
                    mine.append(Finding("account", "problem", says, account.name))

        async with anyio.create_task_group() as tasks:
            for account in accounts:
                tasks.start_soon(look, account)
        for account in accounts:
            for finding in found[account.id]:
                self._add(finding)

    async def _collect(
        self, account: Account, access: AccountAccess, findings: list[Finding]
    ) -> None:
        try:
            checks = check_account(account, access, self._settings, live=self._live)
            async with aclosing(checks):
                async for finding in checks:
                    findings.append(finding)  # noqa: PERF401  # a later one may fail
        except GatewayError as exc:
            findings.append(Finding("account", "problem", str(exc), account.name))
        except Exception as exc:
            log.exception("defect in an examination", account=account.name)
            findings.append(_defect("account", exc, account.name))

    def _api_keys(self, access: AccountAccess) -> None:
        keys = list(access.directory.api_keys)
        if not keys:
            names = [account.name for account in access.directory.accounts]
            self._add(
                Finding(
                    "api keys",
                    "warning",
                    "There is none yet, so that no client gets in.",
                    mend=f"Run `kiro-gateway keys create laptop --account {(names or ['me'])[0]}`.",
                )
            )
            return
        for key in keys:
            if key.enabled and key.default_account_id is None:
                self._add(
                    Finding(
                        "api keys",
                        "warning",
                        "It has no account, so that it serves nobody.",
                        key.name,
                        mend="Give it one by the admin API (PUT /admin/keys/{id}), or remove it.",
                    )
                )
        enabled = sum(key.enabled for key in keys)
        self._add(
            Finding(
                "api keys",
                "ok",
                f"{enabled} of {len(keys)} are enabled.",
                facts={"total": len(keys), "enabled": enabled},
            )
        )

    async def _safely(self, area: Area, look: Callable[[], Awaitable[None]]) -> None:
        """A check that breaks is a finding, too: the others still have something to say."""
        try:
            await look()
        except GatewayError as exc:
            self._add(Finding(area, "problem", str(exc)))
        except Exception as exc:
            log.exception("defect in an examination", area=area)
            self._add(_defect(area, exc))

    def _add(self, finding: Finding) -> None:
        self.findings.append(finding)
        self._tell(finding)


def _defect(area: Area, exc: Exception, subject: str = "") -> Finding:
    kind = type(exc).__name__
    return Finding(
        area,
        "problem",
        f"This check itself failed ({kind}).",
        subject,
        mend="Run it again with KIRO_GATEWAY_SERVER_LOG_LEVEL=debug and report what it prints.",
    )
