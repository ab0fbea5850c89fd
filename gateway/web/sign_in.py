"""Putting together what signs accounts in, for the server and for the command line."""

from anyio.abc import TaskGroup

from gateway.accounts.access import AccountAccess
from gateway.logins.completion import Completion
from gateway.logins.flows import Flows, SignInUrls
from gateway.logins.logins import Logins
from gateway.settings.schema import UpstreamSettings
from gateway.store.database import Database
from gateway.upstream.guard import allowing
from gateway.upstream.http import HttpClients
from gateway.web.callback.app import callback_app
from gateway.web.callback.listener import CallbackListeners
from gateway.web.timing import USUAL, Timing


def build_logins(
    upstream: UpstreamSettings,
    database: Database,
    accounts: AccountAccess,
    clients: HttpClients,
    tasks: TaskGroup,
    *,
    timing: Timing = USUAL,
) -> Logins:
    """Everything that signs accounts in; what goes on runs in `tasks`."""
    urls = (
        upstream.runtime_url,
        upstream.management_url,
        upstream.oidc_url,
        upstream.auth_url,
        upstream.portal_url,
    )
    flows = Flows(
        clients.client_for,
        allowing(upstream.allowed_private_hosts, urls, upstream.user_agent),
        SignInUrls(portal=upstream.portal_url, auth=upstream.auth_url, oidc=upstream.oidc_url),
        timing.logins,
    )

    def forget_answers(account_id: str) -> None:
        """What was fetched for one sign-in says nothing about the next."""
        accounts.models.forget(account_id)
        accounts.quotas.forget(account_id)

    completion = Completion(
        database, accounts.directory, accounts.service, timing.logins, forget_answers
    )
    listeners = CallbackListeners(tasks, callback_app, timing=timing)
    return Logins(flows, completion, accounts.directory, listeners, tasks, proxy=upstream.proxy)
