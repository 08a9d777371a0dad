"""Commands that read logs, and those that go on until they are told to stop."""

from __future__ import annotations

import os
from typing import Any

import click

from commands.base import Place, command, plain, site
from pipeline import terminal


@command
@site
@click.option("--format", default="auto", show_default=True, help="Format of the logs.")
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Jobs at once.  [default: one a core]"
)
@click.option("--again", is_flag=True, help="Read known lines of days that have nothing left.")
@click.option("--report", "reported", is_flag=True, help="Then print the report, too.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
def backfill(
    place: Place, /, jobs: int | None, as_json: bool, reported: bool, **asked: Any
) -> None:
    """Count the lines of logs that are not counted yet.

    PATH is a file, a folder, a pattern, or - for standard input; plain, gz, zst, bz2 or xz.
    Without any, the sources of the configuration are read.
    """
    from pipeline import backfill as backfills
    from pipeline import progress, report_text
    from pipeline import report as reports

    config = place.settings()
    asked |= {"jobs": jobs or len(os.sched_getaffinity(0)), "progress": progress.meter()}
    try:
        summary = backfills.backfill(config, config.store.data, **asked)
    finally:
        asked["progress"].finish()
    found = summary.as_dict()
    if reported:
        found["report"] = reports.report(place.catalog(), asked["site"])
    terminal.show(found, as_json, terminal.print_summary)
    if reported and not as_json:
        report_text.render(found["report"])
    if summary.problems:
        raise click.ClickException(terminal.clean("\n".join(summary.problems), keep="\n"))


@plain
def ingest(place: Place) -> None:
    """Follow the logs of the configuration until told to stop.

    SIGTERM and SIGINT stop it, SIGHUP makes it read the configuration anew.
    """
    from pipeline import logs, tail_run

    config = place.settings()
    logs.set_up(config.log.format)
    tail_run.Service(config, place.settings).run()


@plain
def web(place: Place) -> None:
    """Serve the web application until told to stop.

    Where there is no user yet, a link is printed by which the first one is made.
    """
    from pipeline.access.links import first_setup
    from webapp.serve import serve

    config = place.config()
    if secret := first_setup(place.catalog()):
        click.echo(f"To begin, open {config.web.address}setup/{secret}")
        click.echo("The link works once, for a day, and only while there is no user.")
    else:
        click.echo(f"The dashboard is at {config.web.address}")
    serve(config, place.config_file, place.data)


@plain
@click.pass_context
def run(ctx: click.Context, place: Place) -> None:
    """Run `ingest` and `web`, and start them again when they end.

    SIGTERM and SIGINT end both within ten seconds, SIGHUP makes them read the configuration anew.
    """
    from pipeline import logs, supervisor

    logs.set_up(place.config().log.format)
    commands = {name: [*place.command(), name] for name in ("ingest", "web")}
    ctx.exit(supervisor.Supervisor(commands, place.is_right).run())


COMMANDS = (backfill, ingest, web, run)
