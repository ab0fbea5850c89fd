"""The database and the key for what is encrypted in it. Nothing is made, and nothing upgraded."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, update

from gateway.doctor.findings import Finding
from gateway.doctor.installation import Installation
from gateway.errors import StoreError
from gateway.store.database import Database, is_database_url, open_database, read_schema
from gateway.store.secrets import SecretBox, new_key, open_secrets, parse_keys
from gateway.store.tables import SCHEMA_REVISION, accounts, api_keys, store_revision

LITTLE_ROOM, NO_ROOM = 500 * 2**20, 20 * 2**20  # bytes


@dataclass(frozen=True, slots=True)
class Storage:
    """What was found, and the box that opens the database; None when it cannot be opened."""

    findings: tuple[Finding, ...]
    secrets: SecretBox | None


class _Undone(Exception):
    """Ends a transaction that was only a try."""


async def check_storage(installation: Installation) -> Storage:
    """See whether the database can be used as it is."""
    findings: list[Finding] = []
    if not is_database_url(installation.database):
        is_there, about_file = _check_file(Path(installation.database))
        findings += about_file
        if not is_there:
            return Storage(tuple(findings), None)
    name = _name(installation)
    try:
        schema = await read_schema(installation.database)
    except StoreError as exc:
        return Storage((*findings, Finding("database", "problem", str(exc))), None)
    if schema is None:
        text = f"{name} is empty; its tables are made at the first start."
        return Storage((*findings, Finding("database", "ok", text)), None)
    if schema != SCHEMA_REVISION:
        findings.append(
            Finding(
                "database",
                "warning",
                f"{name} has schema {schema}, and this version needs {SCHEMA_REVISION}. Accounts "
                "cannot be looked at before that.",
                mend="Run `kiro-gateway db upgrade`, or start the gateway. Back it up before.",
                facts={"schema": schema, "needed": SCHEMA_REVISION},
            )
        )
        return Storage(tuple(findings), None)
    secrets, finding = await _check_key(installation)
    findings.append(finding)
    if secrets is not None:
        findings.append(await _check_use(installation, secrets, name))
    return Storage(tuple(findings), secrets)


def _check_file(path: Path) -> tuple[bool, list[Finding]]:
    """Whether there is a file that can be opened, and what is to be said of it and its folder."""
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        finding = Finding(
            "database",
            "problem",
            f"The folder {folder} cannot be written to.",
            mend="Give it to whoever runs the gateway, or name another place in tenant.db_path.",
        )
        return False, [finding]
    findings = []
    free = shutil.disk_usage(folder).free
    if free < LITTLE_ROOM:
        findings.append(
            Finding(
                "database",
                "problem" if free < NO_ROOM else "warning",
                f"The disk of {folder} has {free // 2**20} MiB left.",
                mend="Make room, or keep less with tenant.request_log_days and "
                "tenant.usage_retention_days.",
                facts={"free_bytes": free},
            )
        )
    if not path.exists():
        findings.append(Finding("database", "ok", f"{path} is made at the first start."))
        return False, findings
    if not os.access(path, os.R_OK | os.W_OK):
        findings.append(
            Finding(
                "database",
                "problem",
                f"{path} cannot be read and written.",
                mend="Give it to whoever runs the gateway.",
            )
        )
        return False, findings
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        findings.append(
            Finding(
                "database",
                "warning",
                f"{path} could be read by other users of this machine.",
                mend="It has just been closed to them, as each start of the gateway does.",
            )
        )
    return True, findings


async def _check_key(installation: Installation) -> tuple[SecretBox | None, Finding]:
    value, file = installation.secret_value, installation.key_file
    place = "KIRO_GATEWAY_SECRET_KEY" if value and value.strip() else str(file)
    if place == str(file) and not file.exists():
        # The gateway would make one here. For a database with nothing encrypted in it that is fine.
        any_other = SecretBox(*parse_keys(new_key(), source="doctor"))
        try:
            async with open_database(installation.database, any_other):
                return any_other, Finding("secret key", "ok", f"{place} is made at the next start.")
        except StoreError:
            return None, Finding(
                "secret key",
                "problem",
                f"{place} is gone, and with it the key for the sign-ins in the database.",
                mend="Put back the file that belongs to this database, or its key into "
                "KIRO_GATEWAY_SECRET_KEY. Without it every account has to sign in again.",
            )
    try:
        secrets = open_secrets(value, file)
        async with open_database(installation.database, secrets):
            pass
    except StoreError as exc:
        return None, Finding("secret key", "problem", str(exc))
    return secrets, Finding("secret key", "ok", f"{place} fits the database.")


async def _check_use(installation: Installation, secrets: SecretBox, name: str) -> Finding:
    facts: dict[str, object] = {"schema": SCHEMA_REVISION}
    try:
        async with open_database(installation.database, secrets) as database:
            await _try_to_write(database)
            async with database.connect() as db:
                for table in (accounts, api_keys):
                    count = await db.execute(select(func.count()).select_from(table))
                    facts[table.name] = count.scalar_one()
    except StoreError as exc:
        return Finding(
            "database",
            "problem",
            f"{name} cannot be written: {exc}",
            mend="See that its disk has room, and that no other program keeps it locked.",
        )
    return Finding("database", "ok", f"{name} can be read and written.", facts=facts)


async def _try_to_write(database: Database) -> None:
    try:
        async with database.begin() as db:
            await db.execute(update(store_revision).values(revision=store_revision.c.revision))
            raise _Undone
    except _Undone:
        pass


def _name(installation: Installation) -> str:
    if not is_database_url(installation.database):
        return installation.database
    from gateway.store.postgresql_server import describe  # noqa: PLC0415  # imports its driver

    return describe(installation.database)
