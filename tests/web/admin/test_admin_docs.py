"""The pages about the admin API and the metrics name all there is."""

import re
from pathlib import Path

import pytest

from gateway.web.admin.routes import ROUTES
from tests.web.admin.admin_gateway import AdminGateway

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_the_admin_api_names_every_route() -> None:
    table = re.findall(
        r"^\| ((?:`[A-Z]+` )+)`([^`]+)` \|", (DOCS / "admin-api.md").read_text(), re.MULTILINE
    )
    named = {(method, path) for methods, path in table for method in re.findall("[A-Z]+", methods)}
    routes = {(route.operation.method, route.operation.path) for route in ROUTES}
    assert named == {(method, path) for method, path in routes if path != "/metrics"}


@pytest.mark.anyio
async def test_the_page_of_the_metrics_names_every_one(admin: AdminGateway) -> None:
    await admin.get("/admin/kiro/usage-limits?account=social")
    exposed = (await admin.call("GET", "/metrics")).text
    ours = set(re.findall(r"^# TYPE (kiro_gateway_\w+) ", exposed, re.MULTILINE))
    named = set(
        re.findall(r"^\| `(kiro_gateway_\w+)` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    )
    assert named == ours
