"""The application under granian: worker processes that begin anew on SIGHUP."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from pipeline import logs
from pipeline.config import Config
from pipeline.config_file import load
from pipeline.supervisor import die_with_parent
from webapp import create_app

THREADS = 16
#: A stream that a browser holds open must not keep a worker from ending.
KILL_SECONDS = 5


def serve(config: Config, config_file: Path | None, data: Path | None) -> None:
    """Serve until a signal ends it. Every worker reads the configuration itself."""
    server = Granian(
        "tallylog",
        address=config.web.host,
        port=config.web.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_SECONDS,
        log_dictconfig=logs.settings(config.log.format),
    )
    server.serve(target_loader=partial(_application, config_file, data), wrap_loader=False)


def _application(config_file: Path | None, data: Path | None) -> Flask:
    die_with_parent()
    return create_app(load(config_file, data))
