"""`kiro-gateway doctor`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.access import speak_up_only_at_debug
from gateway.cli.commands import Command
from gateway.cli.options import config_place, home_folder, json_option, load, settings_options
from gateway.cli.output import print_json
from gateway.cli.store import SECRET_FILE, SECRET_VARIABLE

if TYPE_CHECKING:
    from gateway.doctor.findings import Finding, Report
    from gateway.doctor.installation import Installation

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
LABELS = {"ok": "ok", "warning": "warning", "problem": "PROBLEM", "skipped": "skipped"}
COLORS = {"ok": "green", "warning": "yellow", "problem": "red", "skipped": "bright_black"}
COSTS = "It costs a small part of a credit for each account."


@click.command(
    cls=Command,
    examples=[
        "kiro-gateway doctor",
        "kiro-gateway doctor --live",
        "kiro-gateway doctor --bundle report.json",
    ],
)
@click.option(
    "--live/--no-live",
    default=None,
    help=f"Also ask a model of each account a short question. {COSTS} [default: asked for on a "
    "terminal]",
)
@click.option(
    "--bundle",
    metavar="FILE",
    help="Also write a report that can be shown to others: without keys, tokens, e-mail addresses "
    "and ARNs.",
)
@settings_options
@json_option
def doctor(
    config: str | None, db_path: str | None, *, live: bool | None, bundle: str | None, as_json: bool
) -> int:
    """Look for what keeps the gateway from working, and say how to mend it.

    Settings, port, database and its key, proxy, hosts, clock, and each account's token, profile,
    quota and models. Works while a gateway runs as well as before the first start; nothing is
    changed. Exits with 0 when all is well, warnings aside, else with 1.
    """
    import anyio

    file = _new_file(bundle) if bundle else None
    try:
        if live is None:
            asked = not as_json and sys.stdin.isatty() and sys.stdout.isatty()
            live = asked and click.confirm(f"Also ask each account a short question? {COSTS}")
        installation = _installation(config, db_path)
        speak_up_only_at_debug(installation.settings)
        report, bundled = anyio.run(_examine, installation, live, bundle is not None, not as_json)
    except BaseException:
        if file is not None:
            file.unlink()
        raise
    if file is not None:
        file.write_bytes(bundled)
    if as_json:
        print_json(report)
    else:
        _print_end(report, bundle)
    return 0 if report.ok else 1


async def _examine(
    installation: "Installation", live: bool, bundling: bool, printing: bool
) -> tuple["Report", bytes]:
    from gateway.doctor.bundle import bundle_of
    from gateway.doctor.examination import examine

    report = await examine(installation, _print if printing else lambda finding: None, live=live)
    home = str(home_folder(os.environ))
    return report, await bundle_of(report, installation, home) if bundling else b""


def _installation(config: str | None, db_path: str | None) -> "Installation":
    """What can be known of the settings and the environment, however broken they are."""
    from gateway.cli.lean import load_sqlalchemy_without_orm
    from gateway.errors import SettingsError

    load_sqlalchemy_without_orm()
    from gateway.doctor.installation import Installation

    loaded, problem = None, None
    try:
        loaded = load(config, {"tenant.db_path": db_path}, warn=False)
    except SettingsError as exc:
        problem = exc
    place = config_place(config, os.environ)
    folder = Path(loaded.settings.tenant.db_path).expanduser() if loaded else Path()
    return Installation(
        settings_file=str(place) if place else None,
        loaded=loaded,
        settings_error=problem,
        key_file=folder.with_name(SECRET_FILE) if loaded else Path(SECRET_FILE),
        secret_value=os.environ.get(SECRET_VARIABLE),
        proxy_variables={
            name: os.environ[name] for name in PROXY_VARIABLES if os.environ.get(name)
        },
    )


def _new_file(bundle: str) -> Path:
    """Make the file now rather than find out at the end that it cannot be made."""
    path = Path(bundle).expanduser()
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise click.ClickException(f"{path} is there already.") from None
    return path


def _print(finding: "Finding") -> None:
    label = click.style(LABELS[finding.status].ljust(9), fg=COLORS[finding.status])
    # The others name what they are about.
    named = finding.area in {"account", "api keys"}
    about = f"{finding.area} {finding.subject}".strip() if named else finding.area
    click.echo(f"{label}{about}: {finding.says}")
    if finding.mend:
        click.echo(f"{'':9}-> {finding.mend}")


def _print_end(report: "Report", bundle: str | None) -> None:
    counts = {
        status: sum(one.status == status for one in report.findings)
        for status in ("problem", "warning")
    }
    told = [
        f"{count} {status}{'' if count == 1 else 's'}" for status, count in counts.items() if count
    ]
    click.echo()
    click.echo(f"Kiro Gateway {report.version}: " + (" and ".join(told) or "all is well") + ".")
    if bundle:
        click.echo(f"Wrote {bundle}. Look through it before you give it away.")
