"""Nothing that signs anybody in is told by the admin API, its log, its errors or its database."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from gateway.logs import configure_logging
from gateway.simulator.accounts import DEMO_ACCOUNTS
from gateway.web.admin.identity import new_one_time_link
from gateway.web.admin.routes import ROUTES
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

PROXY_PASSWORD = "proxy-password-4711"


def secrets_of(gateway: AdminGateway) -> set[str]:
    """Everything that must not be seen."""
    found = {gateway.key, gateway.admin_key, PROXY_PASSWORD}
    for account in DEMO_ACCOUNTS:
        held = (account.access_token, account.refresh_token, account.client_secret, account.api_key)
        found |= {secret for secret in held if secret}
    return found


def stored_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("gateway.db*"))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = structlog.get_config()
    configure_logging("debug", "json", stream=stream, colors=False)
    yield stream
    structlog.configure(**before)


async def exercise(gateway: AdminGateway) -> list[str]:
    """Call everything, in order and in disorder; gives the answers' heads and bodies."""
    answers = []
    proxy = f"http://me:{PROXY_PASSWORD}@127.0.0.1:9"
    await gateway.call("PUT", "/admin/accounts/external", {"proxy": proxy})
    for route in ROUTES:
        path = route.operation.path.replace("{id}", "social")
        if route.operation.method == "DELETE" or path == "/admin/session":
            continue
        for body in (None, {}, {"account": "social"}, {"name": "social"}, {"proxy": proxy}):
            for query in ("", "?account=social", "?account=key", "?account=external"):
                answer = await gateway.call(
                    route.operation.method, path + query, body, accept="application/json"
                )
                answers += [answer.text, str(answer.headers)]
    for method, body in (("POST", {"name": "x", "proxy": f"ftp://a:{PROXY_PASSWORD}@h"}),):
        answers.append((await gateway.call(method, "/admin/accounts", body)).text)
    return answers


async def test_no_answer_log_line_or_table_holds_a_secret(
    kiro: Kiro, tmp_path: Path, log: io.StringIO
) -> None:
    async with admin_gateway(kiro, tmp_path) as gateway:
        answers = await exercise(gateway)
        made = await gateway.call("POST", "/admin/keys", {"name": "n", "kiro_accounts": ["key"]})
        rotated = await gateway.call("POST", "/admin/keys/n/rotate", {"overlap_seconds": 60})
        link = (await new_one_time_link(gateway.services, gateway.url)).rpartition("=")[2]
        session = await gateway.call("POST", "/admin/session")
        secrets = secrets_of(gateway) | {made.json()["key"], rotated.json()["key"], link}
        secrets |= set(session.cookies.values())
        shown = "\n".join(answers)
        await gateway.services.usage.flush()
    stored = stored_in(tmp_path)
    assert "social@example.com" in shown  # so something was there to be told
    assert '"route":"/admin/keys"' in log.getvalue()
    for secret in secrets:
        assert secret not in shown
        assert secret not in log.getvalue()
        assert secret.encode() not in stored
