"""Every operation about signing in, done well: they need what the ones before them have told."""

from collections.abc import AsyncIterator

import httpx

from tests.web.admin.admin_gateway import AdminGateway
from tests.web.sign_in.manual_time import ManualTime

LOGIN = "/admin/kiro/login"


async def sign_ins(
    gateway: AdminGateway, time: ManualTime
) -> AsyncIterator[tuple[str, str, httpx.Response]]:
    """Method, path as documented, and answer of each call."""
    sim = f"{gateway.services.settings.upstream.portal_url}/_sim"

    async def sim_put(path: str, order: object) -> None:
        assert (await gateway.http.put(sim + path, json=order)).status_code == 200

    begun = await gateway.call("POST", LOGIN, {"account": "social"})
    yield "POST", LOGIN, begun
    login = begun.json()["id"]
    yield "GET", f"{LOGIN}/{{id}}", await gateway.call("GET", f"{LOGIN}/{login}")
    yield "GET", "/admin/kiro/logins", await gateway.call("GET", "/admin/kiro/logins")
    await sim_put("/sign-in", {"way": "google", "account": "social"})
    page = await gateway.http.get(begun.json()["auth_url"])
    pasted = {"url": page.headers["location"]}
    answer = await gateway.call("POST", f"{LOGIN}/{login}/callback", pasted)
    yield "POST", f"{LOGIN}/{{id}}/callback", answer
    await gateway.services.logins.get(login).changed(lambda _: False)
    completed = await gateway.call("POST", f"{LOGIN}/complete/{login}")
    assert completed.json()["status"] == "completed", completed.text
    yield "POST", f"{LOGIN}/complete/{{id}}", completed

    profiles = [{"region": "us-east-1", "name": "one"}, {"region": "eu-central-1", "name": "two"}]
    await sim_put("/profiles", {"account": "organisation", "profiles": profiles})
    await sim_put("/device", {"decision": "approve", "account": "organisation"})
    order = {
        "account": "organisation",
        "start_url": "https://simulated-org.awsapps.com/start/#/",
        "idc_region": "eu-west-1",
    }
    begun = await gateway.call("POST", "/admin/kiro/device-login", order)
    yield "POST", "/admin/kiro/device-login", begun
    login = begun.json()["id"]
    await time.asleep(begun.json()["interval"])
    await sim_put("/oidc", {"enforce_interval": False})
    time.advance(begun.json()["interval"])
    await gateway.services.logins.get(login).changed(lambda login: login.step == "profile")
    yield "GET", f"{LOGIN}/{{id}}", await gateway.call("GET", f"{LOGIN}/{login}")
    chosen = await gateway.call("POST", f"{LOGIN}/{login}/profile", {"profile": "two"})
    yield "POST", f"{LOGIN}/{{id}}/profile", chosen
    yield "DELETE", f"{LOGIN}/{{id}}", await gateway.call("DELETE", f"{LOGIN}/{login}")
