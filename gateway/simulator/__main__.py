"""`python -m gateway.simulator`: a Kiro service on this machine."""

import click

from gateway.simulator.app import create_simulator
from gateway.simulator.server import listen, make_server, url_of


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, help="0 picks a free one.")
@click.option("--seed", default=0, show_default=True, help="Equal seeds give equal answers.")
def main(host: str, port: int, seed: int) -> None:
    """Play the Kiro service until interrupted; the address is the one line on standard output."""
    with listen(host, port) as sock:
        click.echo(url_of(sock))
        make_server(create_simulator(seed=seed)).run(sockets=[sock])


if __name__ == "__main__":
    main()
