"""What a service says while it runs: a line an event on stderr, as text or as JSON."""

from __future__ import annotations

import datetime as dt
import json
import logging
import logging.config
from typing import Any, Literal

from pipeline.terminal import clean

#: What a record of `logging` always has; everything else was given as `extra`.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class Text(logging.Formatter):
    """Time, level, logger and message. Log lines come from outside: what steers a terminal goes."""

    def format(self, record: logging.LogRecord) -> str:
        return clean(
            f"{_time(record)} {record.levelname} {record.name}: {_message(record)}", "\n\t"
        )


class Json(logging.Formatter):
    """One object a line, with what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        known = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name}
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        return json.dumps({**known, "message": _message(record), **extra}, default=str)


FORMATTERS: dict[str, type[logging.Formatter]] = {"text": Text, "json": Json}


def settings(form: Literal["text", "json"]) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes: everything from level INFO on, to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": FORMATTERS[form]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        # It complains of events that come while it is being stopped.
        "loggers": {"watchdog": {"level": "CRITICAL"}},
    }


def set_up(form: Literal["text", "json"]) -> None:
    """Called once, by a command that stays."""
    logging.config.dictConfig(settings(form))


def _time(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
    return moment.isoformat(timespec="milliseconds")


def _message(record: logging.LogRecord) -> str:
    trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
    return f"{record.getMessage()}\n{trace}" if trace else record.getMessage()
