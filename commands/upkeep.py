"""Commands that keep the store in order."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from commands.base import Place, command, days, site
from pipeline import terminal


@command
@site
@days
@click.option("--force", is_flag=True, help="Build days that are current, too.")
def rollup(place: Place, /, site: str | None, as_json: bool, **asked: Any) -> None:
    """Build the statistics of days that changed."""
    from pipeline import rollup as rollups

    built = rollups.rollup(place.catalog(), sites=[site] if site else None, **asked)
    days = [{"site": day.site, "date": day.date} for day in built]
    terminal.show_rows(days, "days", as_json)


@command
@click.argument("source")
def forget(place: Place, /, source: str, as_json: bool) -> None:
    """Take back what was counted of a log.

    SOURCE is a number or a path that `tallylog sources` shows.
    """
    from pipeline import forget as forgetting

    done = forgetting.forget(place.catalog(), source)
    terminal.show(asdict(done), as_json, terminal.print_facts)


@command
def audit(place: Place, /, as_json: bool) -> None:
    """Prove that the store holds no address."""
    from pipeline import audit as audits

    found = audits.audit(place.catalog())
    terminal.show(found.as_dict(), as_json, terminal.print_facts)
    if found.findings:
        raise click.ClickException("the store holds what looks like an address")


@command
@click.argument("folder", type=Path, metavar="FOLDER")
def backup(place: Place, /, folder: Path, as_json: bool) -> None:
    """Copy the store, which may be in use, without the keys of its hashes.

    FOLDER is a new one, or one with an earlier backup, which is brought up to date.
    """
    from pipeline import backup as backups

    done = backups.backup(place.catalog(), folder)
    terminal.show(asdict(done), as_json, terminal.print_facts)


@command
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


@command
def jobs(place: Place, /, as_json: bool) -> None:
    """List what `tallylog ingest` does by itself, and how it went."""
    from pipeline import jobs as work

    terminal.show_rows(work.listed(place.catalog(), place.config()), "jobs", as_json)


@command
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
def check(place: Place, /, repair: bool, as_json: bool) -> None:
    """Look at every file of the store."""
    from pipeline import check as checks

    data = place.config().store.data
    found = checks.repair(data) if repair else checks.check(data)
    terminal.show(asdict(found), as_json, terminal.print_facts)
    if found.damages and not repair:
        raise click.ClickException("files are damaged; `tallylog check --repair` mends what it can")


COMMANDS = (rollup, forget, audit, backup, maintain, jobs, check)
