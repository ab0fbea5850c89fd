"""A process that renews a token and ends the hard way: `python -m tests.processes.renewing …`.

Its arguments: the database, the key file beside it, the sign-in service, the account's id. It kills
itself as soon as the renewed token is stored, before anybody gets to see it.
"""

import os
import signal
import sys
from pathlib import Path

import anyio

from gateway.accounts.directory import Directory
from gateway.accounts.tokens import Tokens
from gateway.store.accounts import Account
from gateway.store.database import open_database
from gateway.store.secrets import open_secrets
from gateway.upstream.http import HttpClients
from gateway.upstream.signin.refresh import RefreshUrls


class DeadlyDirectory(Directory):
    """Where a renewed token would be seen first."""

    def publish(self, account: Account) -> None:
        """Die instead of showing what was renewed."""
        known = self.account(account.id)
        if known is not None and account.generation > known.generation:
            os.kill(os.getpid(), signal.SIGKILL)
        super().publish(account)


async def main(*arguments: str) -> None:
    """Ask for a valid token."""
    target, key_file, service, account_id = arguments
    clients = HttpClients("kiro-gateway/test")
    async with (
        open_database(target, open_secrets(None, Path(key_file))) as database,
        anyio.create_task_group() as tasks,
    ):
        directory = DeadlyDirectory(database)
        await directory.reload()
        urls = RefreshUrls(oidc=service, auth=service)
        tokens = Tokens(database, directory, clients.client_for, urls, tasks)
        await tokens.get(account_id)


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
