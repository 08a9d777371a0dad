"""What the commands share: where the store is, types of options, and how a command is declared.

A command is glue: it reads options, calls one function of `pipeline` or `webapp` and prints what
comes back. Whatever is slow to import is imported inside the command that needs it, so that
`tallylog --help` answers at once."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline import terminal
from pipeline.errors import TallylogError, store_error

if TYPE_CHECKING:
    from pipeline.catalog import Catalog
    from pipeline.config import Config

Command = TypeVar("Command", bound=Callable[..., Any])
#: The program, whose folder is that of this package, too.
PROGRAM = Path(__file__).parent.parent / "tallylog.py"


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

    def settings(self) -> Config:
        """The configuration with what was set in the web application."""
        from pipeline.exclusions import applied

        return applied(self.config())

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
        return [sys.executable, str(PROGRAM), *given]

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


site = click.option("--site", type=name, help="Name of the site.")


def days(command: Command) -> Command:
    first = click.option("--from", "first", type=day, help="First day, as 2026-11-21.")
    last = click.option("--to", "last", type=day, help="Last day.")
    return first(last(command))


def plain(function: Callable[..., None]) -> click.Command:
    """A command that prints nothing to be read by programs."""
    return click.command()(click.pass_obj(function))


def command(function: Callable[..., None]) -> click.Command:
    """A command that prints text or, with --json, one JSON object."""
    made = plain(function)
    about = "Print one JSON object."
    made.params.append(click.Option(["--json", "as_json"], is_flag=True, help=about))
    return made
