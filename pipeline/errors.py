"""Everything Tallylog refuses, as one tree.

    TallylogError
    ├── ConfigError      config.toml says something it can't mean
    ├── SourceError      a log can't be found, opened or read
    │   └── FormatError  a log opens, but its format is unknown or not sure enough
    ├── QueryError       a question names what does not exist, or asks too much
    │   └── QueryStopped    a question that may be asked, but was not answered to its end
    │       ├── QueryTimeout    it took longer than it may
    │       ├── QueryTooLarge   it needs more memory than it may use
    │       └── QueryCancelled  nobody waits for it any more
    ├── AccessError      a user, key or link that is not there, or may not be made so
    └── StoreError       the store or its catalog is broken, full or in use

Each says what is wrong, where, and how to mend it. Only the edges catch them: the command line
prints them and exits with 1, the web answers with them.
"""

from __future__ import annotations

import errno
from pathlib import Path


class TallylogError(Exception):
    """`what` is wrong, `where`, and how to `fix` it; the last two may be empty."""

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)


class ConfigError(TallylogError):
    """Carries every problem of the file, not just the first."""

    def __init__(self, problems: list[TallylogError]) -> None:
        first = problems[0]
        super().__init__(first.what, first.where, first.fix)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class SourceError(TallylogError):
    """A log can't be found, opened or read."""


class FormatError(SourceError):
    """The format of a log is unknown, or not sure enough to count by."""


class QueryError(TallylogError):
    """A question that can't be answered as it was asked. It has no `where`."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what, "", fix)


class AccessError(TallylogError):
    """A user, key or link that is not there or that can't be made. It has no `where`."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what, "", fix)


class QueryStopped(QueryError):
    """A question that may be asked, but was not answered to its end."""


class QueryTimeout(QueryStopped):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"The answer took longer than {seconds:g} seconds.", _SMALLER)


class QueryTooLarge(QueryStopped):
    def __init__(self) -> None:
        super().__init__("The answer needs more memory than a question may use.", _SMALLER)


class QueryCancelled(QueryStopped):
    def __init__(self) -> None:
        super().__init__("The question was cancelled.")


_SMALLER = "ask for fewer days, or with fewer dimensions and filters"


class StoreError(TallylogError):
    """The store or its catalog can't be used."""


def store_error(error: Exception, data_dir: Path | None = None) -> StoreError:
    """What it means that the store could not be read or written."""
    cause = getattr(error, "orig", None) or error
    where = "the store" if data_dir is None else str(data_dir)
    if getattr(error, "errno", None) == errno.ENOSPC or "disk is full" in str(cause):
        fix = "make space and run the same command again: it goes on where it stopped"
        return StoreError("The disk is full.", where, fix)
    if "locked" in str(cause):
        fix = "wait until the other command is done, or end it, and run the same command again"
        return StoreError("Another process has locked the catalog for a minute.", where, fix)
    if "malformed" in str(cause) or "not a database" in str(cause):
        return StoreError(f"The catalog is damaged: {cause}.", where, "see `tallylog check`")
    fix = "mend the cause and run the same command again: it goes on where it stopped"
    return StoreError(f"The store cannot be used: {cause}.", where, fix)
