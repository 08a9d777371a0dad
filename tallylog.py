"""The command line. Each command is glue: it reads options, calls one function of `pipeline` and
prints what comes back. Whatever is slow to import is imported inside the command that needs it, so
that `tallylog --help` answers at once."""

from __future__ import annotations

import datetime as dt
import gc
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline import terminal
from pipeline.errors import TallylogError, store_error

if TYPE_CHECKING:
    from pipeline.catalog import Catalog
    from pipeline.config import Config

Command = TypeVar("Command", bound=Callable[..., Any])

# Imports make many objects and leave no garbage: looking for it less often starts a command a
# tenth sooner, and no linear algebra is done here that would need threads of its own. Of Arrow's
# allocators, jemalloc holds on to least: a sixth of all memory in a long backfill.
gc.set_threshold(100_000)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")


class Commands(click.Group):
    """Turns whatever goes wrong into one message and exit code 1, never into a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except KeyboardInterrupt as error:
            done = "Stopped. What was done stays; run the same command again to go on."
            raise click.ClickException(done) from error
        except Exception as error:
            if ctx.params["debug"]:
                raise
            raise click.ClickException(_message(error)) from error


def _message(error: Exception) -> str:
    if isinstance(error, TallylogError):
        return terminal.clean(str(error), keep="\n")
    if isinstance(error, OSError):
        return terminal.clean(str(error))
    if type(error).__module__.startswith("sqlalchemy"):
        return _message(store_error(error))
    kind = type(error).__name__
    return terminal.clean(f"unexpected {kind}: {error} (tallylog --debug … shows where)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the configuration and the store are, as the global options say."""

    config_file: Path | None
    data: Path | None

    def config(self) -> Config:
        from pipeline.config_file import load

        return load(self.config_file, self.data)

    def is_right(self) -> bool:
        """Whether the configuration can be read as it is now; what is wrong is logged."""
        try:
            self.config()
        except TallylogError as error:
            logging.getLogger("tallylog").error("The old configuration is kept: %s", error)
            return False
        return True

    def command(self) -> list[str]:
        """This program, with the same global options."""
        options = {"--config": self.config_file, "--data": self.data}
        given = [word for name, path in options.items() if path for word in (name, str(path))]
        return [sys.executable, str(Path(__file__)), *given]

    def catalog(self) -> Catalog:
        from pipeline.catalog import Catalog

        return Catalog(self.config().store.data)


# Types of options. Their names are what the help shows in place of a value.
def name(text: str) -> str:
    from pipeline.config import site_name

    try:
        return site_name(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def names(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a day; write it as 2026-11-21") from error


_site = click.option("--site", type=name, help="Name of the site.")


def _days(command: Command) -> Command:
    first = click.option("--from", "first", type=day, help="First day, as 2026-11-21.")
    last = click.option("--to", "last", type=day, help="Last day.")
    return first(last(command))


@click.group(cls=Commands, context_settings={"max_content_width": 80})
@click.option("--config", type=Path, help="Configuration.  [default: config.toml, if it is here]")
@click.option("--data", type=Path, help="Store.  [default: data, beside the configuration]")
@click.option("--debug", is_flag=True, help="Show a stack trace when something goes wrong.")
@click.version_option(package_name="tallylog")
@click.pass_context
def main(ctx: click.Context, config: Path | None, data: Path | None, debug: bool) -> None:
    """Counts what visitors read on web sites, from access logs, without keeping an address."""
    ctx.obj = Place(config, data)


def _command(function: Callable[..., None]) -> click.Command:
    """A command that prints text or, with --json, one JSON object."""
    command = main.command()(click.pass_obj(function))
    about = "Print one JSON object."
    command.params.append(click.Option(["--json", "as_json"], is_flag=True, help=about))
    return command


@_command
@_site
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

    config = place.config()
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


@main.command()
@click.pass_obj
def ingest(place: Place) -> None:
    """Follow the logs of the configuration until told to stop.

    SIGTERM and SIGINT stop it, SIGHUP makes it read the configuration anew.
    """
    from pipeline import logs, tail_run

    config = place.config()
    logs.set_up(config.log.format)
    tail_run.Service(config, place.config).run()


@main.command()
@click.pass_obj
def web(place: Place) -> None:
    """Serve the web application until told to stop."""
    from webapp.serve import serve

    serve(place.config(), place.config_file, place.data)


@main.command()
@click.pass_obj
@click.pass_context
def run(ctx: click.Context, place: Place) -> None:
    """Run `ingest` and `web`, and start them again when they end.

    SIGTERM and SIGINT end both within ten seconds, SIGHUP makes them read the configuration anew.
    """
    from pipeline import logs, supervisor

    logs.set_up(place.config().log.format)
    commands = {name: [*place.command(), name] for name in ("ingest", "web")}
    ctx.exit(supervisor.Supervisor(commands, place.is_right).run())


@_command
@_site
@click.option(
    "--metrics",
    type=names,
    default="views,visitors,visits",
    show_default=True,
    help="What to count.",
)
@click.option("--by", type=names, default="", help="Dimensions to group by.")
@_days
@click.option("--filter", "filters", multiple=True, help="Such as 'country==FR'; repeatable.")
@click.option("--order", default="", help="Metric or dimension to sort by; - before it turns it.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many rows.")
def query(place: Place, /, as_json: bool, **asked: Any) -> None:
    """Answer a question: metrics by dimensions, filtered."""
    from pipeline.query import answer
    from pipeline.question import parse

    found = answer(place.catalog(), parse(**asked))
    terminal.show(asdict(found), as_json, terminal.print_answer)


@_command
@_site
@_days
def report(place: Place, /, as_json: bool, **asked: Any) -> None:
    """Print the report of a site."""
    from pipeline import report as reports
    from pipeline import report_text

    terminal.show(reports.report(place.catalog(), **asked), as_json, report_text.render)


@_command
@_site
@_days
@click.option("--force", is_flag=True, help="Build days that are current, too.")
def rollup(place: Place, /, site: str | None, as_json: bool, **asked: Any) -> None:
    """Build the statistics of days that changed."""
    from pipeline import rollup as rollups

    built = rollups.rollup(place.catalog(), sites=[site] if site else None, **asked)
    days = [{"site": day.site, "date": day.date} for day in built]
    terminal.show_rows(days, "days", as_json)


def _server_option(server: str, file: str) -> Callable[[Command], Command]:
    about = f"Print the sources of a configuration such as {file}."
    return click.option(f"--from-{server}", type=Path, metavar="FILE", help=about)


@_command
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


@_command
def sources(place: Place, /, as_json: bool) -> None:
    """List the logs that were read, and how far; lag is what `ingest` has not read yet."""
    from pipeline import status

    catalog = place.catalog()
    lags = status.lags(catalog.data_dir)
    rows = [asdict(source) | lags(source.id) for source in catalog.sources()]
    terminal.show_rows(rows, "sources", as_json)


@_command
def rejects(place: Place, /, as_json: bool) -> None:
    """List lines that could not be read."""
    from pipeline.rejected import with_text

    terminal.show_rows(with_text(place.catalog().rejects()), "rejects", as_json)


@_command
def accounts(place: Place, /, as_json: bool) -> None:
    """List what became of every line read."""
    rows = list(map(asdict, place.catalog().accounts()))
    terminal.show({"accounts": rows}, as_json, lambda found: terminal.print_ledger(rows))


@_command
@click.argument("source")
def forget(place: Place, /, source: str, as_json: bool) -> None:
    """Take back what was counted of a log.

    SOURCE is a number or a path that `tallylog sources` shows.
    """
    from pipeline import forget as forgetting

    done = forgetting.forget(place.catalog(), source)
    terminal.show(asdict(done), as_json, terminal.print_facts)


@_command
def audit(place: Place, /, as_json: bool) -> None:
    """Prove that the store holds no address."""
    from pipeline import audit as audits

    found = audits.audit(place.catalog())
    terminal.show(found.as_dict(), as_json, terminal.print_facts)
    if found.findings:
        raise click.ClickException("the store holds what looks like an address")


@_command
@click.argument("folder", type=Path, metavar="FOLDER")
def backup(place: Place, /, folder: Path, as_json: bool) -> None:
    """Copy the store, which may be in use, without the keys of its hashes.

    FOLDER is a new one, or one with an earlier backup, which is brought up to date.
    """
    from pipeline import backup as backups

    done = backups.backup(place.catalog(), folder)
    terminal.show(asdict(done), as_json, terminal.print_facts)


@_command
@click.argument("names", nargs=-1, metavar="[JOB]...")
def maintain(place: Place, /, names: tuple[str, ...], as_json: bool) -> None:
    """Drop what is past its time and tidy up.

    JOB is one that `tallylog jobs` lists; without any, all are done.
    """
    from pipeline import jobs as work
    from pipeline import maintain as maintenance

    if not names:
        done = asdict(maintenance.maintain(place.catalog(), place.config().store.retention))
        terminal.show(done, as_json, terminal.print_facts)
        return
    states = work.run_named(place.catalog(), place.config().store.retention, names)
    terminal.show_rows(map(asdict, states), "jobs", as_json)
    if failed := [state.job for state in states if state.failures]:
        raise click.ClickException(f"failed: {', '.join(failed)}")


@_command
def jobs(place: Place, /, as_json: bool) -> None:
    """List what `tallylog ingest` does by itself, and how it went."""
    from pipeline import jobs as work

    terminal.show_rows(work.listed(place.catalog(), place.config()), "jobs", as_json)


@_command
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
def check(place: Place, /, repair: bool, as_json: bool) -> None:
    """Look at every file of the store."""
    from pipeline import check as checks

    data = place.config().store.data
    found = checks.repair(data) if repair else checks.check(data)
    terminal.show(asdict(found), as_json, terminal.print_facts)
    if found.damages and not repair:
        raise click.ClickException("files are damaged; `tallylog check --repair` mends what it can")


@main.group("config")
def configuration() -> None:
    """The configuration."""


@configuration.command("check")
@click.pass_obj
def check_configuration(place: Place) -> None:
    """Say everything that is wrong with the configuration."""
    config = place.config()
    click.echo(f"Nothing is wrong: {len(config.sites)} sites, {len(config.sources)} sources.")


if __name__ == "__main__":
    main()
