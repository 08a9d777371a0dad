"""Commands about log formats and the configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from commands.base import Command, Place, command
from pipeline import terminal


def _server_option(server: str, file: str) -> Callable[[Command], Command]:
    about = f"Print the sources of a configuration such as {file}."
    return click.option(f"--from-{server}", type=Path, metavar="FILE", help=about)


@command
@_server_option("nginx", "/etc/nginx/nginx.conf")
@_server_option("apache", "/etc/apache2/apache2.conf")
@click.option("--detect", metavar="FILE", help="Say which format a log is in, and why.")
def formats(
    place: Place,
    /,
    from_nginx: Path | None,
    from_apache: Path | None,
    detect: str | None,
    as_json: bool,
) -> None:
    """List the log formats that can be read, each with a line of it."""
    if detect:
        _show_detection(place, detect, as_json)
        return
    for server, path in (("nginx", from_nginx), ("apache", from_apache)):
        if path:
            _show_sources(place, server, path, as_json)
            return
    from parsers.registry import load_formats
    from parsers.wrappers import load_wrappers

    known = load_formats(place.config().formats).values()
    keys = ("name", "title", "dialect", "sample")
    found = {
        "formats": [{key: getattr(fmt, key) for key in keys} for fmt in known],
        "wrappers": [{"name": one.name, "title": one.title} for one in load_wrappers().values()],
    }
    terminal.show(found, as_json, terminal.print_formats)


def _show_detection(place: Place, path: str, as_json: bool) -> None:
    from parsers.registry import load_formats
    from pipeline.recognise import recognise

    found = recognise(path, load_formats(place.config().formats))
    terminal.show(found, as_json, terminal.print_detection)
    if found["format"] is None:
        raise click.ClickException("the log is in no known format")


def _show_sources(place: Place, server: str, path: Path, as_json: bool) -> None:
    """What of a server's configuration goes into ours; what can't be used is told on stderr."""
    from parsers.registry import load_formats
    from pipeline.servers_blocks import find_sources

    config = place.config()
    found = find_sources(server, path, load_formats(config.formats), config.sites)
    terminal.show(
        found.as_dict(), as_json, lambda _: click.echo(terminal.clean(found.toml(), "\n"))
    )
    for note in found.notes:
        click.echo(terminal.clean(f"note: {note}"), err=True)


@click.group("config")
def configuration() -> None:
    """The configuration."""


@configuration.command("check")
@click.pass_obj
def check_configuration(place: Place) -> None:
    """Say everything that is wrong with the configuration."""
    config = place.config()
    click.echo(f"Nothing is wrong: {len(config.sites)} sites, {len(config.sources)} sources.")


COMMANDS = (formats, configuration)
